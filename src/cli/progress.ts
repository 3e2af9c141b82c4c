// Progress of long work, on standard error: a line that is redrawn where somebody watches.

const width = 30

/** Back to the beginning of the line, and everything on it gone. */
const eraseLine = '\r\u001b[K'

/** Says on a terminal what is being done. @returns what takes it away again */
export function working(text: string): () => void {
  if (!process.stderr.isTTY) return () => {}
  process.stderr.write(text)
  return () => void process.stderr.write(eraseLine)
}

export interface ProgressBar {
  show(label: string, done: number, total: number): void
  /** Leaves the line, if one is open. */
  end(): void
}

export function progressBar(out: NodeJS.WriteStream = process.stderr): ProgressBar {
  let open = false
  return {
    show(label, done, total) {
      const finished = done >= total
      if (out.isTTY) out.write(`\r${barLine(label, done, total)}${finished ? '\n' : ''}`)
      else if (finished) out.write(`${label}: ${total}\n`)
      open = out.isTTY && !finished
    },
    end() {
      if (open) out.write('\n')
      open = false
    },
  }
}

function barLine(label: string, done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const filled = Math.round(share * width)
  return `${label} [${'#'.repeat(filled)}${' '.repeat(width - filled)}] ${String(Math.floor(share * 100)).padStart(3)} % ${done}/${total}`
}
