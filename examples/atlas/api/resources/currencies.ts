import { anyone, defineResource } from 'plinth'
import { currencies } from '../models/currencies.ts'

export default defineResource(currencies, { description: 'Currencies in circulation.', access: { read: anyone }, sort: 'code' })
