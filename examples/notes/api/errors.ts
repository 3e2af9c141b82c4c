import { defineErrors } from 'plinth/errors'

export const notesErrors = defineErrors('NOTES', {
  NOT_AN_OWNER: {
    status: 403,
    summary: 'Only owners of an organization invite people to it.',
    message: () => 'You are not an owner of this organization.',
  },
  INVITATION_OVER: {
    status: 403,
    summary: 'Whoever has sent the invitation is not an owner of the organization any more.',
    message: () => 'This invitation is not good any more.',
  },
})
