// `docker compose` for one project with a name of its own, so that nothing of anybody else is touched.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const deadlineMs = 240_000

export interface ComposeOptions {
  /** Folder of docker-compose.yml. */
  readonly folder: string
  /** Of containers, networks and volumes. */
  readonly project: string
  /** Over the environment of this process. */
  readonly env: Readonly<Record<string, string>>
}

/** What `docker inspect` tells of a container, as far as tests ask. */
export interface Container {
  readonly Id: string
  readonly State: {
    readonly Pid: number
    readonly Running: boolean
    readonly ExitCode: number
    readonly StartedAt: string
    readonly Health?: { readonly Status: string }
  }
  readonly RestartCount: number
  readonly Config: { readonly User: string; readonly Env: readonly string[] }
  readonly HostConfig: { readonly ReadonlyRootfs: boolean; readonly CapDrop: readonly string[]; readonly SecurityOpt: readonly string[] }
}

export class Compose {
  readonly #options: ComposeOptions

  constructor(options: ComposeOptions) {
    this.#options = options
  }

  /** `docker compose …`. @returns what it wrote to standard output @throws Error with all it wrote */
  compose(...args: readonly string[]): Promise<string> {
    return this.#docker(['compose', '--project-name', this.#options.project, '--progress', 'plain', ...args])
  }

  /** Starts everything that is not running, and waits until all of it is healthy. Nothing is pulled. */
  async up(...options: readonly string[]): Promise<void> {
    await this.compose('up', '--detach', '--pull', 'never', '--wait', '--wait-timeout', '180', ...options)
  }

  /** Runs a command in a service's container. */
  exec(service: string, ...command: readonly string[]): Promise<string> {
    return this.compose('exec', '--no-TTY', service, ...command)
  }

  async inspect(service: string): Promise<Container> {
    const id = (await this.compose('ps', '--all', '--quiet', service)).trim()
    const [container] = JSON.parse(await this.#docker(['inspect', id])) as Container[]
    if (container === undefined) throw new Error(`There is no container of ${service}.`)
    return container
  }

  /** Removes containers, networks, volumes and the images that were built. */
  async remove(): Promise<void> {
    await this.compose('down', '--volumes', '--rmi', 'local', '--remove-orphans', '--timeout', '10')
  }

  /** States and last lines of all services, for a failure. */
  async describe(): Promise<string> {
    return `${await this.compose('ps', '--all')}\n${await this.compose('logs', '--no-color', '--tail', '40')}`
  }

  async #docker(args: readonly string[]): Promise<string> {
    const { folder, env } = this.#options
    const options = { cwd: folder, env: { ...process.env, ...env }, timeout: deadlineMs, maxBuffer: 64 * 1024 * 1024 }
    try {
      return (await run('docker', args, options)).stdout
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
      throw new Error(`docker ${args.join(' ')} failed:\n${`${stdout}${stderr}`.slice(-6_000)}`, { cause: error })
    }
  }
}
