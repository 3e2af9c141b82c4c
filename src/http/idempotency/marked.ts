// Which route handlers take an Idempotency-Key, for the OpenAPI document.

const marked = new WeakSet<object>()

export function markIdempotent<handler extends object>(handler: handler): handler {
  marked.add(handler)
  return handler
}

export function isIdempotent(handler: object): boolean {
  return marked.has(handler)
}
