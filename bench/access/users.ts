// Who asks: users with a note in 20 each, all signed in in both ways.

export const userCount = 20
export const notesInTable = 10_000
export const password = 'correct horse battery'

/** In the folder of a server. */
export const credentialsFile = 'credentials.json'

export interface Credentials {
  readonly email: string
  /** Key of the organization that the user is the only member of. */
  readonly organization: number
  readonly token: string
  readonly cookie: string
}

/** Note number n is of user number n modulo 20. */
export const insertNotes = `insert into notes (organization_id, author_id, title, body)
  select organization_id, user_id, 'Title of note ' || nth, 'A body with some text in it, quite short, of the note "number ' || nth || '".'
  from generate_series(0, ${notesInTable - 1}) nth join memberships on organization_id = 1 + nth % ${userCount} order by nth`
