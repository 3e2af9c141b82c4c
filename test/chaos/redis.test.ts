import { redisModes } from './modes/redis.ts'
import { tryModes } from './try-modes.ts'

tryModes(redisModes)
