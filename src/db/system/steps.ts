// Every step, in the order they are applied. A room that keeps something in the schema `plinth` adds its step here.

import { apiKeysStep, apiKeyTenantsStep } from './api-keys-step.ts'
import { auditStep } from './audit-step.ts'
import { credentialsStep } from './credentials-step.ts'
import { fenceRowsStep } from './fence-rows-step.ts'
import { fenceStep } from './fence-step.ts'
import { idempotencyStep } from './idempotency-step.ts'
import { oauthAccountsStep } from './oauth-accounts-step.ts'
import { passkeysStep } from './passkeys-step.ts'
import { rateCountersStep } from './rate-counters-step.ts'
import { refreshTokensStep } from './refresh-tokens-step.ts'
import { secondFactorsStep } from './second-factors-step.ts'
import { sessionsStep } from './sessions-step.ts'
import { signingKeysStep } from './signing-keys-step.ts'
import type { SystemStep } from './step.ts'
import { tenantsStep } from './tenants-step.ts'
import { userGenerationsStep } from './user-generations-step.ts'
import { rowVersionsStep, versionsStep } from './versions-step.ts'

export const systemSteps: readonly SystemStep[] = [
  versionsStep,
  rowVersionsStep,
  fenceStep,
  fenceRowsStep,
  idempotencyStep,
  sessionsStep,
  rateCountersStep,
  credentialsStep,
  auditStep,
  signingKeysStep,
  refreshTokensStep,
  apiKeysStep,
  secondFactorsStep,
  passkeysStep,
  oauthAccountsStep,
  userGenerationsStep,
  apiKeyTenantsStep,
  tenantsStep,
]
