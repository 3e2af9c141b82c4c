import { defineResource, where } from 'plinth'
import { note_tags } from '../models/tags.ts'

const ofSeenNotes = where((who) => ({ or: [{ 'note.shared': true }, { 'note.author_id': who.id }] }))

export default defineResource(note_tags, {
  description: 'Which note has which tag, for the notes that one sees.',
  tenant: 'organization_id',
  access: { read: ofSeenNotes, write: ofSeenNotes },
})
