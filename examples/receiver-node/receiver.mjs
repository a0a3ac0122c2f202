// A receiver of Autoinspector's webhooks in Node.js, without dependencies.
//
//   AUTOINSPECTOR_WEBHOOK_SECRET=whsec_… PORT=3000 node receiver.mjs
//
// It follows the documented sample: verify the raw body first, answer 400 if the signature is wrong,
// look at the event, answer 200 {"received":true}.

import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const BODY_BYTES_MAX = 1024 * 1024

const secret = process.env.AUTOINSPECTOR_WEBHOOK_SECRET
if (!secret) {
  console.error('set AUTOINSPECTOR_WEBHOOK_SECRET to the secret of your webhook')
  process.exit(1)
}

/** What `autoinspector.webhooks.constructEvent` of the official SDK does, in constant time. */
function constructEvent(rawBody, signature, secret) {
  const expected = Buffer.from(createHmac('sha256', secret).update(rawBody).digest('hex'))
  const given = Buffer.from(String(signature ?? ''))
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Error('The signature provided in the request is not valid')
  }
  return JSON.parse(rawBody.toString('utf8'))
}

/** Whoever holds the secret may sign anything; what follows reads an event and its payload. */
function checkEvent(webhook) {
  const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject(webhook) || typeof webhook.event !== 'string' || !isObject(webhook.payload)) {
    throw new Error('The signed body is not an event with a payload')
  }
  return webhook
}

/** The exact bytes that came: the signature is over them, not over what a parser makes of them. */
async function readRawBody(request) {
  const chunks = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new Error('The body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

const server = createServer(async (request, response) => {
  if (request.method !== 'POST' || request.url.split('?')[0] !== '/webhook') {
    return answer(response, 404, { error: 'webhooks come as POST to /webhook' })
  }
  let webhook
  try {
    const rawBody = await readRawBody(request)
    const signature = request.headers['autoinspector-signature']
    webhook = checkEvent(constructEvent(rawBody, signature, secret))
  } catch (err) {
    console.log(`refused: ${err.message}`)
    return answer(response, 400, { error: `Webhook error: ${err.message}` })
  }

  // The message is not corrupted and comes from whoever holds the secret. The same event may come twice
  // (a retry, a resend): `webhook-id` is the same each time, so keep the ids that you have dealt with.
  const id = request.headers['webhook-id']
  switch (webhook.event) {
    case 'inspection_created':
      console.log(`received: ${webhook.event} ${webhook.payload._id} ${id}`)
      break
    case 'inspection_completed':
      console.log(`received: ${webhook.event} ${webhook.payload._id} ${id}`)
      break
    default:
      console.log(`unhandled: ${webhook.event} ${id}`)
  }

  answer(response, 200, { received: true })
})

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`)
})
