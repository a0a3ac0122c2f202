<?php
// A receiver of Autoinspector's webhooks in PHP, without dependencies.
//
//   AUTOINSPECTOR_WEBHOOK_SECRET=whsec_… php -S 127.0.0.1:3000 receiver.php
//
// It follows the documented sample: verify the raw body first, answer 400 if the signature is wrong,
// look at the event, answer 200 {"received":true}.

$secret = getenv('AUTOINSPECTOR_WEBHOOK_SECRET');
if (!$secret) {
    answer(500, ['error' => 'set AUTOINSPECTOR_WEBHOOK_SECRET to the secret of your webhook']);
}
if ($_SERVER['REQUEST_METHOD'] !== 'POST' || strtok($_SERVER['REQUEST_URI'], '?') !== '/webhook') {
    answer(404, ['error' => 'webhooks come as POST to /webhook']);
}

// The exact bytes that came: the signature is over them, not over what a parser makes of them.
$rawBody = file_get_contents('php://input');
$signature = $_SERVER['HTTP_AUTOINSPECTOR_SIGNATURE'] ?? '';
if (!hash_equals(hash_hmac('sha256', $rawBody, $secret), $signature)) {
    refuse('The signature provided in the request is not valid');
}

// Whoever holds the secret may sign anything; what follows reads an event and its payload.
$webhook = json_decode($rawBody);
if (!is_object($webhook) || !is_string($webhook->event ?? null) || !is_object($webhook->payload ?? null)) {
    refuse('The signed body is not an event with a payload');
}

// The message is not corrupted and comes from whoever holds the secret. The same event may come twice
// (a retry, a resend): `webhook-id` is the same each time, so keep the ids that you have dealt with.
$id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
switch ($webhook->event) {
    case 'inspection_created':
    case 'inspection_completed':
        $inspection = $webhook->payload->_id ?? '';
        error_log("received: {$webhook->event} $inspection $id");
        break;
    default:
        error_log("unhandled: {$webhook->event} $id");
}
answer(200, ['received' => true]);

function refuse(string $why): never
{
    error_log("refused: $why");
    answer(400, ['error' => "Webhook error: $why"]);
}

function answer(int $status, array $body): never
{
    http_response_code($status);
    header('content-type: application/json');
    echo json_encode($body);
    exit;
}
