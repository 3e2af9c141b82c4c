import { otherModes } from './modes/others.ts'
import { tryModes } from './try-modes.ts'

tryModes(otherModes)
