import { defineErrors } from 'plinth/errors'

export const notesErrors = defineErrors('NOTES', {
  NOT_AN_OWNER: {
    status: 403,
    summary: 'Only owners of an organization invite people to it.',
    message: () => 'You are not an owner of this organization.',
  },
})
