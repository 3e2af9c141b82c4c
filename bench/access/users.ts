// Who asks, and whose the notes are.

/** Those that are signed in, in both ways. */
export const askingUsers = 20
/** Each in an organization of his own. Of twenty PostgreSQL reads all notes in order of their keys until it has enough of one author. */
export const userCount = 200
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

/** Notes of one user stand side by side, as those that are written on one day do: a page of them is as many blocks as a page of all. */
export const notesOfUser = 500

export const rows = [
  `insert into organizations (id, name) select nth, 'Organization ' || nth from generate_series(1, ${userCount}) nth`,
  `insert into users (email) select 'user' || nth || '@example.com' from generate_series(${askingUsers + 1}, ${userCount}) nth`,
  `insert into memberships (organization_id, user_id) select substring(email from '\\d+')::integer, id from users`,
  `insert into notes (organization_id, author_id, title, body)
  select organization_id, user_id, 'Title of note ' || nth, 'A body with some text in it, quite short, of the note "number ' || nth || '".'
  from generate_series(0, ${userCount * notesOfUser - 1}) nth join memberships on organization_id = 1 + nth / ${notesOfUser} order by nth`,
  'vacuum analyze',
]
