/** The same service behind the HTTP handler that twirp-ts itself comes with. */
import { createServer } from "node:http";
import { createFinanceServiceServer } from "../../generated/server/finance/v1/finance.twirp.ts";
import { constantService } from "../constant-account.ts";
import { serve } from "../serve.ts";

serve(createServer(createFinanceServiceServer(constantService).httpHandler()));
