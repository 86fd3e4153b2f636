/**
 * An Express app as a function of AWS Lambda, behind API Gateway, a load balancer or a Function URL.
 *
 *     npx tsx examples/lambda.ts    # prints what API Gateway would get
 */
import express from 'express';
import { fromExpress } from 'gatebridge/express';
import { toLambda } from 'gatebridge/lambda';

const app = express();
app.get('/hello', (request, response) => {
  response.cookie('seen', 'yes').send(`Hello ${request.query.name}, at ${request.baseUrl}\n`);
});

export const handler = toLambda(fromExpress(app));

if (process.env.AWS_LAMBDA_FUNCTION_NAME === undefined) {
  const result = await handler({
    httpMethod: 'GET',
    path: '/hello',
    queryStringParameters: { name: 'Ada' },
    requestContext: { path: '/prod/hello', identity: { sourceIp: '203.0.113.7' } },
  });
  console.log(JSON.stringify(result));
}
