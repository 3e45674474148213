/**
 * Everything of the SDK for Node. Browsers import `eustress-forge-sdk/player`, which needs nothing but `fetch`.
 */
export * from "./server";
export * from "./player";
export * from "./controller";
export { verifyWebhook, type WebhookCheck, type WebhookRequest } from "./webhook";
