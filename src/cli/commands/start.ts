// `plinth start api`: serves the application until it is told to stop.

import { type Command, Argument, InvalidArgumentError, Option } from 'commander'

export interface StartOptions {
  readonly prepare?: boolean
  readonly dev?: boolean
  /** 1: this process serves by itself. */
  readonly processes?: number | 'auto'
  /** Number of this process among those that a primary has started. */
  readonly worker?: number
  /** Whether it is the first of them. */
  readonly first?: boolean
}

const mostProcesses = 1_024

export function addStart(program: Command): void {
  program
    .command('start')
    .description('Serves the application.')
    .addArgument(new Argument('[process]', 'which process to start').choices(['api']).default('api'))
    .option('--prepare', 'first apply migrations, and load the seed into an empty database')
    .addOption(new Option('--processes <number>', 'how many processes serve at the port; auto: one for each core').argParser(readProcesses))
    .addOption(new Option('--dev', 'say when models and migrations differ; set by `plinth dev`').hideHelp())
    .addOption(new Option('--worker <number>', 'set by --processes').argParser(Number).hideHelp())
    .addOption(new Option('--first', 'set by --processes').hideHelp())
    .action(async (_process: string, options: StartOptions) => {
      const { processes = 1, prepare = false } = options
      if (processes === 1) await serve(options)
      else await supervise(processes, prepare)
    })
}

async function serve(options: StartOptions): Promise<void> {
  const { startApi } = await import('../start-api.ts')
  await startApi(options)
}

/** What a process that serves needs takes 40 MB, which the primary does without. */
async function supervise(processes: number | 'auto', prepare: boolean): Promise<void> {
  const { availableCores } = await import('../../core/processes/available-cores.ts')
  const { superviseApi } = await import('../supervise-api.ts')
  await superviseApi(processes === 'auto' ? availableCores() : processes, prepare)
}

function readProcesses(text: string): StartOptions['processes'] {
  if (text === 'auto') return text
  const number = /^\d+$/.test(text) ? Number(text) : 0
  if (number < 1 || number > mostProcesses) throw new InvalidArgumentError(`It must be auto or a number from 1 to ${mostProcesses}.`)
  return number
}
