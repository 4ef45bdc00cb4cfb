/** The same service behind twirp-ts's own HTTP handler. */
import { createServer } from "node:http";
import { createFinanceServiceServer } from "../../generated/server/finance/v1/finance.twirp.ts";
import { constantService } from "../constant-account.ts";
import { serve } from "../serve.ts";

serve(createServer(createFinanceServiceServer(constantService).httpHandler()));
