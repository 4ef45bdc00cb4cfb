/** A call and what its reply holds. */
export interface Example {
  readonly method: string;
  readonly request: object;
  readonly reply: object;
}

const bank = { debit_account_id: "2", credit_account_id: "1" };

/** In this order they run on an empty ledger, called by an admin. The first of a method is its example in the reference. */
export const examples: readonly Example[] = [
  {
    method: "CreateAccount",
    request: {
      name: "Bank",
      type: "ACCOUNT_TYPE_ASSET",
      currency: "USD",
      unlimited_overdraft: true,
      idempotency_key: "open-bank",
    },
    reply: { id: "1", name: "Bank", status: "ACCOUNT_STATUS_OPEN", minor_unit_digits: 2, balance: "0" },
  },
  {
    method: "CreateAccount",
    request: { name: "Ada", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", owner: "ada" },
    reply: { id: "2", owner: "ada" },
  },
  {
    method: "CreateTransfer",
    request: {
      debit_account_id: "1",
      credit_account_id: "2",
      amount: "10000",
      description: "Ada tops up",
      idempotency_key: "top-up-1",
    },
    reply: {
      id: "1",
      state: "TRANSFER_STATE_POSTED",
      amount: "10000",
      currency: "USD",
      minor_unit_digits: 2,
      credit_account_balance: "10000",
    },
  },
  {
    method: "GetAccount",
    request: { id: "2" },
    reply: { id: "2", name: "Ada", balance: "10000", available_balance: "10000" },
  },
  {
    method: "ListAccounts",
    request: { owner: "ada", page_size: 10 },
    reply: { accounts: [{ id: "2", name: "Ada" }], next_page_token: "" },
  },
  {
    method: "UpdateAccount",
    request: { id: "2", metadata: { tier: "gold" }, overdraft_limit: "5000" },
    reply: { id: "2", name: "Ada", overdraft_limit: "5000", metadata: { tier: "gold" } },
  },
  {
    method: "UpdateAccount",
    request: { id: "2", status: "ACCOUNT_STATUS_FROZEN", dry_run: true },
    reply: { id: "2", status: "ACCOUNT_STATUS_FROZEN" },
  },
  {
    method: "ListAccountChanges",
    request: { account_id: "2" },
    reply: {
      changes: [
        { account_id: "2", field: "opened", before: "false", after: "true" },
        { account_id: "2", field: "overdraft_limit", before: "0", after: "5000" },
        { account_id: "2", field: "metadata.tier", before: "", after: "gold" },
      ],
    },
  },
  {
    method: "BatchCreateTransfers",
    request: {
      atomic: true,
      transfers: [
        { ...bank, amount: "4200", description: "Order 77", idempotency_key: "order-77" },
        { ...bank, amount: "126", description: "Fee", idempotency_key: "order-77-fee" },
      ],
    },
    reply: { results: [{ transfer: { id: "2", debit_account_balance: "5800" } }, { transfer: { id: "3" } }] },
  },
  {
    method: "CreateTransfer",
    request: { ...bank, amount: "3000", pending: true, expires_at: "2099-01-01T00:00:00Z" },
    reply: { id: "4", state: "TRANSFER_STATE_PENDING", expires_at: "2099-01-01T00:00:00Z", settled_at: null },
  },
  {
    method: "CaptureTransfer",
    request: { id: "4", amount: "1250", idempotency_key: "capture-4" },
    reply: { id: "4", state: "TRANSFER_STATE_CAPTURED", amount: "3000", captured_amount: "1250" },
  },
  {
    method: "CreateTransfer",
    request: { ...bank, amount: "3000", pending: true },
    reply: { id: "5", state: "TRANSFER_STATE_PENDING" },
  },
  {
    method: "VoidTransfer",
    request: { id: "5", idempotency_key: "void-5" },
    reply: { id: "5", state: "TRANSFER_STATE_VOIDED" },
  },
  {
    method: "ReverseTransfer",
    request: { id: "4", description: "Hotel refunds", idempotency_key: "refund-4" },
    reply: { id: "6", reverses_transfer_id: "4", amount: "1250", debit_account_id: "1", credit_account_id: "2" },
  },
  {
    method: "GetTransfer",
    request: { id: "4" },
    reply: { id: "4", reversed_by_transfer_id: "6" },
  },
  {
    method: "ListTransfers",
    request: { account_id: "2", state: "TRANSFER_STATE_CAPTURED", page_size: 1 },
    reply: { transfers: [{ id: "4" }], next_page_token: "" },
  },
  {
    method: "ListEntries",
    request: { account_id: "2", newest_first: true },
    reply: { entries: [{ sequence: "5" }, { sequence: "4" }, { sequence: "3" }, { sequence: "2" }, { sequence: "1" }] },
  },
  {
    method: "GetBalance",
    request: { account_id: "2" },
    reply: { balance: "5674", sequence: "5", currency: "USD", minor_unit_digits: 2 },
  },
  {
    method: "GetBalanceHistory",
    request: {
      account_id: "2",
      start: "2025-01-01T00:00:00Z",
      end: "2025-02-01T00:00:00Z",
      interval: "INTERVAL_MONTH",
    },
    reply: { points: [{ time: "2025-01-01T00:00:00Z", balance: "0", debits: "0", credits: "0" }] },
  },
  {
    method: "ListEvents",
    request: { account_id: "2", page_size: 2 },
    reply: {
      events: [
        { id: "2", type: "EVENT_TYPE_ACCOUNT_CREATED", account: { id: "2", name: "Ada" } },
        {
          id: "3",
          type: "EVENT_TYPE_TRANSFER_POSTED",
          transfer: { id: "1" },
          entries: [{ sequence: "1" }, { sequence: "1" }],
        },
      ],
    },
  },
  {
    method: "GetTrialBalance",
    request: {},
    reply: { currencies: [{ currency: "USD", accounts: "2", balanced: true }] },
  },
];
