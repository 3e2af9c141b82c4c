// Progress of long work: one line that is redrawn on a terminal, one line per thing elsewhere.

const width = 30

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
