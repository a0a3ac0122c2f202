# A receiver of Autoinspector's webhooks in Python, without dependencies.
#
#   AUTOINSPECTOR_WEBHOOK_SECRET=whsec_… PORT=3000 python3 receiver.py
#
# It follows the documented sample: verify the raw body first, answer 400 if the signature is wrong,
# look at the event, answer 200 {"received":true}.

import hashlib
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_BYTES_MAX = 1024 * 1024

secret = os.environ.get('AUTOINSPECTOR_WEBHOOK_SECRET')
if not secret:
    sys.exit('set AUTOINSPECTOR_WEBHOOK_SECRET to the secret of your webhook')


def construct_event(raw_body, signature):
    """What `constructEvent` of the official SDK does, in constant time: the signature is over the exact
    bytes that came, not over what a parser makes of them."""
    expected = hmac.new(secret.encode(), raw_body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), (signature or '').encode()):
        raise ValueError('The signature provided in the request is not valid')
    webhook = json.loads(raw_body)
    # Whoever holds the secret may sign anything; what follows reads an event and its payload.
    if (
        not isinstance(webhook, dict)
        or not isinstance(webhook.get('event'), str)
        or not isinstance(webhook.get('payload'), dict)
    ):
        raise ValueError('The signed body is not an event with a payload')
    return webhook


class Receiver(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        length = int(self.headers.get('content-length') or 0)
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            return self.answer(413, {'error': 'The body is too large'})
        raw_body = self.rfile.read(length)
        if self.path.split('?')[0] != '/webhook':
            return self.answer(404, {'error': 'webhooks come as POST to /webhook'})
        try:
            webhook = construct_event(raw_body, self.headers.get('autoinspector-signature'))
        except ValueError as error:
            print(f'refused: {error}', flush=True)
            return self.answer(400, {'error': f'Webhook error: {error}'})

        # The message is not corrupted and comes from whoever holds the secret. The same event may come twice
        # (a retry, a resend): `webhook-id` is the same each time, so keep the ids that you have dealt with.
        event, payload, id = webhook['event'], webhook['payload'], self.headers.get('webhook-id')
        if event in ('inspection_created', 'inspection_completed'):
            print(f"received: {event} {payload.get('_id')} {id}", flush=True)
        else:
            print(f'unhandled: {event} {id}', flush=True)
        self.answer(200, {'received': True})

    def answer(self, status, body):
        text = json.dumps(body, separators=(',', ':')).encode()
        self.send_response(status)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', int(os.environ.get('PORT') or 3000)), Receiver)
print(f'listening on http://127.0.0.1:{server.server_port}/webhook', flush=True)
server.serve_forever()
