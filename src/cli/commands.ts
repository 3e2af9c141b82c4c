// Every command, in the order `plinth --help` shows them.

import type { Command } from 'commander'
import { addStart } from './commands/start.ts'

export const commands: readonly ((program: Command) => void)[] = [addStart]
