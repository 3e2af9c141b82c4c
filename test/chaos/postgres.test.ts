import { postgresModes } from './modes/postgres.ts'
import { tryModes } from './try-modes.ts'

tryModes(postgresModes)
