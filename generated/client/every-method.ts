// Generated from proto/ by `npm run generate`. Do not edit.
import type * as methods from "./methods.js";
import { createAccount, getAccount, listAccounts, updateAccount, listAccountChanges, createTransfer, batchCreateTransfers, captureTransfer, voidTransfer, reverseTransfer, getTransfer, listTransfers, listEntries, getBalance, getBalanceHistory, listEvents, getTrialBalance } from "./methods.js";

export const everyMethod: typeof methods = { createAccount, getAccount, listAccounts, updateAccount, listAccountChanges, createTransfer, batchCreateTransfers, captureTransfer, voidTransfer, reverseTransfer, getTransfer, listTransfers, listEntries, getBalance, getBalanceHistory, listEvents, getTrialBalance };
