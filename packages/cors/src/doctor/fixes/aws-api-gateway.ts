import type { Framework } from "./framework.ts";

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html and how-to-cors.html beside it */
export const awsApiGateway: Framework = {
  name: "AWS API Gateway",
  names: ["aws", "api-gateway"],
  tried: null,
  signs: [
    ["apigw-requestid", /./],
    ["x-amz-apigw-id", /./],
    ["x-amzn-requestid", /./],
  ],
  comment: "#",
  policy: `aws apigatewayv2 update-api --api-id ID --cors-configuration '{"AllowOrigins":["{origin}"],"AllowMethods":[{quoted_methods}]{if headers},"AllowHeaders":[{quoted_headers}]{end}{if credentials},"AllowCredentials":true{end}}'
# HTTP API: keep what you have; it answers preflights itself, and ignores the integration's CORS headers
# REST API: "Enable CORS" on the resource adds OPTIONS; a Lambda proxy must itself return Access-Control-Allow-Origin`,
  fixes: {
    login_before_preflight: `{policy}
# an authorizer on $default needs a route OPTIONS /{proxy+} without authorization beside it`,
    error: `{policy}
# REST API: also on its own errors
aws apigateway put-gateway-response --rest-api-id ID --response-type DEFAULT_4XX --response-parameters "{\\"gatewayresponse.header.Access-Control-Allow-Origin\\":\\"'{origin}'\\"}"
# the same for DEFAULT_5XX, then deploy; then find the cause of the {status}`,
  },
};
