// Ends with 0 when the application in this container answers, with 1 when it does not.

const { ok } = await fetch(`http://127.0.0.1:${process.env.API_PORT ?? 5000}/health`).catch(() => ({ ok: false }))
process.exitCode = ok ? 0 : 1
