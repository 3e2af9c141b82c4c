import { anyone, defineResource } from 'plinth'
import { languages } from '../models/languages.ts'

export default defineResource(languages, { description: 'Official languages.', access: { read: anyone }, sort: 'name' })
