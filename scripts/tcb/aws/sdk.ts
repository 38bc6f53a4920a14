/** The AWS SDK, as far as the enclave's five calls take. */
export { DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
export { DecryptCommand, GenerateDataKeyCommand, GenerateRandomCommand, KMSClient } from '@aws-sdk/client-kms'
export { NodeHttpHandler } from '@smithy/node-http-handler'
