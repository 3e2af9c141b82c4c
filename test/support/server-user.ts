// PostgreSQL refuses to run as root, so root starts it as `nobody`.

const nobody = 65534

/** The user that servers are started as: none (ourselves) unless we are root. */
export function serverUser(): { uid?: number; gid?: number } {
  return process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
}
