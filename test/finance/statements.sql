-- accounts (not prepared)
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select a.id as "id",
       a.owner as "owner",
       a.currency as "currency",
       a.minor_unit_digits as "minorUnitDigits",
       b.debit_normal as "debitNormal",
       b.debits_posted as "debitsPosted",
       b.credits_posted as "creditsPosted",
       b.posted_carried as "postedCarried",
       b.debits_pending as "debitsPending",
       b.credits_pending as "creditsPending",
       b.overdraft_limit as "overdraftLimit",
       b.unlimited_overdraft as "unlimitedOverdraft",
       b.status as "status",
       b.last_sequence as "lastSequence",
       a.name as "name",
       a.type as "type",
       a.metadata as "metadata",
       a.created_at as "createdAt",
       b.updated_at as "updatedAt",
       512 + coalesce(octet_length(a.name), 0) + coalesce(octet_length(a.owner), 0) + coalesce(octet_length(a.metadata::text), 0) as row_bytes
  from account a
  join account_balance b on b.account_id = a.id
 where a.id > $1::bigint
   and ($3::text = '' or a.owner = $3)
   and ($4::smallint is null or a.type = $4)
   and ($5::text is null or a.currency = $5)
   and ($6::smallint is null or b.status = $6)
   and starts_with(a.name, $7::text)
 order by a.id
 limit $2::bigint) r
        window rising as (order by r.id)) page
 where page.ordinal < $2::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal;

-- entries, oldest first (list_entries)
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select e.account_id as "accountId",
       e.sequence as "sequence",
       e.transfer_id as "transferId",
       case when t.debit_account_id = e.account_id then t.credit_account_id else t.debit_account_id end as "counterpartyAccountId",
       e.amount as "amount",
       e.balance_after as "balanceAfter",
       coalesce(t.description, '') as "description",
       e.created_at as "createdAt",
       case when t.pending then e.created_at else coalesce(t.effective_at, e.created_at) end as "effectiveAt",
       256 + coalesce(octet_length(t.description), 0) as row_bytes
  from entry e
 cross join lateral (select * from transfer t where id = e.transfer_id offset 0) t
 where e.account_id = $1::bigint
   and e.sequence > greatest($2::bigint, 
       case when $3::timestamptz is null then 0
            else sequence_at($1::bigint, $3 - interval '1 microsecond')
       end)
   and e.sequence <= least(9223372036854775807, 
       case when $4::timestamptz is null then 9223372036854775807
            else sequence_at($1::bigint, $4 - interval '1 microsecond')
       end)
 order by e.sequence asc
 limit $5::bigint) r
        window rising as (order by r.sequence asc)) page
 where page.ordinal < $5::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal;

-- entries, newest first (list_entries_newest_first)
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select e.account_id as "accountId",
       e.sequence as "sequence",
       e.transfer_id as "transferId",
       case when t.debit_account_id = e.account_id then t.credit_account_id else t.debit_account_id end as "counterpartyAccountId",
       e.amount as "amount",
       e.balance_after as "balanceAfter",
       coalesce(t.description, '') as "description",
       e.created_at as "createdAt",
       case when t.pending then e.created_at else coalesce(t.effective_at, e.created_at) end as "effectiveAt",
       256 + coalesce(octet_length(t.description), 0) as row_bytes
  from entry e
 cross join lateral (select * from transfer t where id = e.transfer_id offset 0) t
 where e.account_id = $1::bigint
   and e.sequence > greatest(0, 
       case when $3::timestamptz is null then 0
            else sequence_at($1::bigint, $3 - interval '1 microsecond')
       end)
   and e.sequence <= least($2::bigint - 1, 
       case when $4::timestamptz is null then 9223372036854775807
            else sequence_at($1::bigint, $4 - interval '1 microsecond')
       end)
 order by e.sequence desc
 limit $5::bigint) r
        window rising as (order by r.sequence desc)) page
 where page.ordinal < $5::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal;

-- entries by amount, oldest first (part_to_search)
select greatest($2::bigint, 
       case when $3::timestamptz is null then 0
            else sequence_at($1::bigint, $3 - interval '1 microsecond')
       end) as "from",
       least(least(9223372036854775807, 
       case when $4::timestamptz is null then 9223372036854775807
            else sequence_at($1::bigint, $4 - interval '1 microsecond')
       end),
             (select coalesce(max(sequence), 0) from entry where account_id = $1::bigint)) as "to";

-- entries by amount, oldest first (search_entries)
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select e.account_id as "accountId",
       e.sequence as "sequence",
       e.transfer_id as "transferId",
       case when t.debit_account_id = e.account_id then t.credit_account_id else t.debit_account_id end as "counterpartyAccountId",
       e.amount as "amount",
       e.balance_after as "balanceAfter",
       coalesce(t.description, '') as "description",
       e.created_at as "createdAt",
       case when t.pending then e.created_at else coalesce(t.effective_at, e.created_at) end as "effectiveAt",
       256 + coalesce(octet_length(t.description), 0) as row_bytes
  from entry e
 cross join lateral (select * from transfer t where id = e.transfer_id
   and ($4::bigint is null or $4 in (t.debit_account_id, t.credit_account_id))
   and abs(e.amount) between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8) offset 0) t
 where e.account_id = $1::bigint
   and e.sequence > $2::bigint
   and e.sequence <= $3::bigint
 order by e.sequence asc
 limit $5::bigint) r
        window rising as (order by r.sequence asc)) page
 where page.ordinal < $5::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal;

-- entries by amount, newest first (part_to_search_newest_first)
select greatest(0, 
       case when $3::timestamptz is null then 0
            else sequence_at($1::bigint, $3 - interval '1 microsecond')
       end) as "from",
       least(least($2::bigint - 1, 
       case when $4::timestamptz is null then 9223372036854775807
            else sequence_at($1::bigint, $4 - interval '1 microsecond')
       end),
             (select coalesce(max(sequence), 0) from entry where account_id = $1::bigint)) as "to";

-- entries by amount, newest first (search_entries_newest_first)
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select e.account_id as "accountId",
       e.sequence as "sequence",
       e.transfer_id as "transferId",
       case when t.debit_account_id = e.account_id then t.credit_account_id else t.debit_account_id end as "counterpartyAccountId",
       e.amount as "amount",
       e.balance_after as "balanceAfter",
       coalesce(t.description, '') as "description",
       e.created_at as "createdAt",
       case when t.pending then e.created_at else coalesce(t.effective_at, e.created_at) end as "effectiveAt",
       256 + coalesce(octet_length(t.description), 0) as row_bytes
  from entry e
 cross join lateral (select * from transfer t where id = e.transfer_id
   and ($4::bigint is null or $4 in (t.debit_account_id, t.credit_account_id))
   and abs(e.amount) between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8) offset 0) t
 where e.account_id = $1::bigint
   and e.sequence > $2::bigint
   and e.sequence <= $3::bigint
 order by e.sequence desc
 limit $5::bigint) r
        window rising as (order by r.sequence desc)) page
 where page.ordinal < $5::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal;

-- transfers of any account (scan_transfers_all)
with ranked as (
  select id, created_at, row_number() over (order by id desc) as rank
    from (select distinct id, created_at from (
select t.id, t.created_at
  from transfer t
 where t.id < $1::bigint
   and ($3::smallint is null or not t.pending)
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   and ($13::text is null or exists (select from account
                                      where id in (t.debit_account_id, t.credit_account_id)
                                        and owner = $13))
   -- Bounds on the settlement scan holds instead; here they are always null.
   and ($10::timestamptz is null and $11::timestamptz is null)
 order by t.id desc
 limit $2::bigint) candidate) match
), page as (
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select t.*, 512 + coalesce(octet_length(t.metadata::text), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t."debitOwner"), 0) + coalesce(octet_length(t."creditOwner"), 0) as row_bytes
  from ranked
 cross join lateral (
select t.id as "id",
       t.debit_account_id as "debitAccountId",
       t.credit_account_id as "creditAccountId",
       d.owner as "debitOwner",
       c.owner as "creditOwner",
       t.amount as "amount",
       d.currency as "currency",
       d.minor_unit_digits as "minorUnitDigits",
       
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end as "state",
       coalesce(t.description, '') as "description",
       t.metadata as "metadata",
       coalesce(t.idempotency_key, '') as "idempotencyKey",
       t.created_by as "createdBy",
       coalesce(s.debit_account_balance, t.debit_account_balance) as "debitAccountBalance",
       coalesce(s.credit_account_balance, t.credit_account_balance) as "creditAccountBalance",
       t.debit_account_balance as "firstDebitBalance",
       t.credit_account_balance as "firstCreditBalance",
       coalesce(s.captured_amount, 0) as "capturedAmount",
       t.reverses_transfer_id as "reversesTransferId",
       r.id as "reversedByTransferId",
       t.created_at as "createdAt",
       coalesce(t.effective_at, t.created_at) as "effectiveAt",
       h.expires_at as "expiresAt",
       s.settled_by as "settledBy",
       s.settled_at as "settledAt",
       h.state is not distinct from 2 as "awaitsSettlement"
  from transfer t
  join account d on d.id = t.debit_account_id
  join account c on c.id = t.credit_account_id
  left join hold h on t.pending and h.transfer_id = t.id
  left join settlement s on h.state <> 2 and s.transfer_id = t.id
  left join transfer r on r.reverses_transfer_id = t.id where t.id = ranked.id offset 0) t
 where ranked.rank <= $2::bigint) r
        window rising as (order by r.id desc)) page
 where page.ordinal < $2::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal
)
select page.*, (select max(created_at) from ranked where rank > (select max(ordinal) from page)) as horizon
  from page
 order by page.ordinal;

-- transfers of any account, pending (scan_transfers_pending)
with ranked as (
  select id, created_at, row_number() over (order by id desc) as rank
    from (select distinct id, created_at from (
select t.id, t.created_at
  from hold h 
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = h.transfer_id
      and t.pending
   and ($13::text is null or exists (select from account
                                      where id in (t.debit_account_id, t.credit_account_id)
                                        and owner = $13))
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   offset 0
 ) t
 where h.transfer_id < $1::bigint
   and ($3::smallint is null or 
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end = $3)
   and ($10::timestamptz is null and $11::timestamptz is null
        or exists (select from settlement
                    where transfer_id = h.transfer_id
                      and ($10 is null or settled_at >= $10)
                      and ($11 is null or settled_at < $11)
                   offset 0))
   and h.state = 2
 order by h.transfer_id desc
 limit $2::bigint) candidate) match
), page as (
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select t.*, 512 + coalesce(octet_length(t.metadata::text), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t."debitOwner"), 0) + coalesce(octet_length(t."creditOwner"), 0) as row_bytes
  from ranked
 cross join lateral (
select t.id as "id",
       t.debit_account_id as "debitAccountId",
       t.credit_account_id as "creditAccountId",
       d.owner as "debitOwner",
       c.owner as "creditOwner",
       t.amount as "amount",
       d.currency as "currency",
       d.minor_unit_digits as "minorUnitDigits",
       
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end as "state",
       coalesce(t.description, '') as "description",
       t.metadata as "metadata",
       coalesce(t.idempotency_key, '') as "idempotencyKey",
       t.created_by as "createdBy",
       coalesce(s.debit_account_balance, t.debit_account_balance) as "debitAccountBalance",
       coalesce(s.credit_account_balance, t.credit_account_balance) as "creditAccountBalance",
       t.debit_account_balance as "firstDebitBalance",
       t.credit_account_balance as "firstCreditBalance",
       coalesce(s.captured_amount, 0) as "capturedAmount",
       t.reverses_transfer_id as "reversesTransferId",
       r.id as "reversedByTransferId",
       t.created_at as "createdAt",
       coalesce(t.effective_at, t.created_at) as "effectiveAt",
       h.expires_at as "expiresAt",
       s.settled_by as "settledBy",
       s.settled_at as "settledAt",
       h.state is not distinct from 2 as "awaitsSettlement"
  from transfer t
  join account d on d.id = t.debit_account_id
  join account c on c.id = t.credit_account_id
  left join hold h on t.pending and h.transfer_id = t.id
  left join settlement s on h.state <> 2 and s.transfer_id = t.id
  left join transfer r on r.reverses_transfer_id = t.id where t.id = ranked.id offset 0) t
 where ranked.rank <= $2::bigint) r
        window rising as (order by r.id desc)) page
 where page.ordinal < $2::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal
)
select page.*, (select max(created_at) from ranked where rank > (select max(ordinal) from page)) as horizon
  from page
 order by page.ordinal;

-- transfers of any account that were holds (scan_transfers_held)
with ranked as (
  select id, created_at, row_number() over (order by id desc) as rank
    from (select distinct id, created_at from (
select t.id, t.created_at
  from hold h 
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = h.transfer_id
      and t.pending
   and ($13::text is null or exists (select from account
                                      where id in (t.debit_account_id, t.credit_account_id)
                                        and owner = $13))
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   offset 0
 ) t
 where h.transfer_id < $1::bigint
   and ($3::smallint is null or 
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end = $3)
   and ($10::timestamptz is null and $11::timestamptz is null
        or exists (select from settlement
                    where transfer_id = h.transfer_id
                      and ($10 is null or settled_at >= $10)
                      and ($11 is null or settled_at < $11)
                   offset 0))
   and true
 order by h.transfer_id desc
 limit $2::bigint) candidate) match
), page as (
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select t.*, 512 + coalesce(octet_length(t.metadata::text), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t."debitOwner"), 0) + coalesce(octet_length(t."creditOwner"), 0) as row_bytes
  from ranked
 cross join lateral (
select t.id as "id",
       t.debit_account_id as "debitAccountId",
       t.credit_account_id as "creditAccountId",
       d.owner as "debitOwner",
       c.owner as "creditOwner",
       t.amount as "amount",
       d.currency as "currency",
       d.minor_unit_digits as "minorUnitDigits",
       
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end as "state",
       coalesce(t.description, '') as "description",
       t.metadata as "metadata",
       coalesce(t.idempotency_key, '') as "idempotencyKey",
       t.created_by as "createdBy",
       coalesce(s.debit_account_balance, t.debit_account_balance) as "debitAccountBalance",
       coalesce(s.credit_account_balance, t.credit_account_balance) as "creditAccountBalance",
       t.debit_account_balance as "firstDebitBalance",
       t.credit_account_balance as "firstCreditBalance",
       coalesce(s.captured_amount, 0) as "capturedAmount",
       t.reverses_transfer_id as "reversesTransferId",
       r.id as "reversedByTransferId",
       t.created_at as "createdAt",
       coalesce(t.effective_at, t.created_at) as "effectiveAt",
       h.expires_at as "expiresAt",
       s.settled_by as "settledBy",
       s.settled_at as "settledAt",
       h.state is not distinct from 2 as "awaitsSettlement"
  from transfer t
  join account d on d.id = t.debit_account_id
  join account c on c.id = t.credit_account_id
  left join hold h on t.pending and h.transfer_id = t.id
  left join settlement s on h.state <> 2 and s.transfer_id = t.id
  left join transfer r on r.reverses_transfer_id = t.id where t.id = ranked.id offset 0) t
 where ranked.rank <= $2::bigint) r
        window rising as (order by r.id desc)) page
 where page.ordinal < $2::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal
)
select page.*, (select max(created_at) from ranked where rank > (select max(ordinal) from page)) as horizon
  from page
 order by page.ordinal;

-- transfers of one account (walk_transfers)
with ranked as (
  select id, created_at, row_number() over (order by id desc) as rank
    from (select distinct id, created_at from (
select found.id, found.created_at
  from unnest($13::bigint[]) as walked (account_id)
 cross join lateral (
  with held as materialized (
    
(select t.id, t.created_at
   from hold h 
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = h.transfer_id
      and t.pending
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   offset 0
 ) t
  where h.debit_account_id between walked.account_id and walked.account_id
    and h.transfer_id < $1::bigint
    and $3::smallint is distinct from 1
    and ($3 is null or 
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end = $3)
   and ($10::timestamptz is null and $11::timestamptz is null
        or exists (select from settlement
                    where transfer_id = h.transfer_id
                      and ($10 is null or settled_at >= $10)
                      and ($11 is null or settled_at < $11)
                   offset 0))
    
  order by h.debit_account_id desc, h.transfer_id desc
  limit $2::bigint)
    union all
    
(select t.id, t.created_at
   from hold h 
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = h.transfer_id
      and t.pending
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   offset 0
 ) t
  where h.credit_account_id between walked.account_id and walked.account_id
    and h.transfer_id < $1::bigint
    and $3::smallint is distinct from 1
    and ($3 is null or 
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end = $3)
   and ($10::timestamptz is null and $11::timestamptz is null
        or exists (select from settlement
                    where transfer_id = h.transfer_id
                      and ($10 is null or settled_at >= $10)
                      and ($11 is null or settled_at < $11)
                   offset 0))
    
  order by h.credit_account_id desc, h.transfer_id desc
  limit $2::bigint)
  ), posted as (
    select t.id, t.created_at
      from entry e 
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = e.transfer_id
      and not t.pending
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   offset 0
 ) t
     where e.account_id = walked.account_id
       and e.sequence > greatest(
             case when $4::timestamptz is null then 0
                  else sequence_at(walked.account_id, $4 - interval '1 microsecond')
             end,
             (select sequence_at(walked.account_id, created_at - interval '1 microsecond')
                from held
               order by id desc
              offset $2::bigint - 1
               limit 1))
       and e.sequence <= case when $14::timestamptz is null then 9223372036854775807
                              else sequence_at(walked.account_id, $14)
                         end
       and e.transfer_id < $1::bigint
       and ($3::smallint is null or $3 = 1)
       and $10::timestamptz is null
       and $11::timestamptz is null
     order by e.sequence desc
     limit $2::bigint
  )
  select * from held
  union all
  select * from posted
 ) found) candidate) match
), page as (
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select t.*, 512 + coalesce(octet_length(t.metadata::text), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t."debitOwner"), 0) + coalesce(octet_length(t."creditOwner"), 0) as row_bytes
  from ranked
 cross join lateral (
select t.id as "id",
       t.debit_account_id as "debitAccountId",
       t.credit_account_id as "creditAccountId",
       d.owner as "debitOwner",
       c.owner as "creditOwner",
       t.amount as "amount",
       d.currency as "currency",
       d.minor_unit_digits as "minorUnitDigits",
       
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end as "state",
       coalesce(t.description, '') as "description",
       t.metadata as "metadata",
       coalesce(t.idempotency_key, '') as "idempotencyKey",
       t.created_by as "createdBy",
       coalesce(s.debit_account_balance, t.debit_account_balance) as "debitAccountBalance",
       coalesce(s.credit_account_balance, t.credit_account_balance) as "creditAccountBalance",
       t.debit_account_balance as "firstDebitBalance",
       t.credit_account_balance as "firstCreditBalance",
       coalesce(s.captured_amount, 0) as "capturedAmount",
       t.reverses_transfer_id as "reversesTransferId",
       r.id as "reversedByTransferId",
       t.created_at as "createdAt",
       coalesce(t.effective_at, t.created_at) as "effectiveAt",
       h.expires_at as "expiresAt",
       s.settled_by as "settledBy",
       s.settled_at as "settledAt",
       h.state is not distinct from 2 as "awaitsSettlement"
  from transfer t
  join account d on d.id = t.debit_account_id
  join account c on c.id = t.credit_account_id
  left join hold h on t.pending and h.transfer_id = t.id
  left join settlement s on h.state <> 2 and s.transfer_id = t.id
  left join transfer r on r.reverses_transfer_id = t.id where t.id = ranked.id offset 0) t
 where ranked.rank <= $2::bigint) r
        window rising as (order by r.id desc)) page
 where page.ordinal < $2::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal
)
select page.*, (select max(created_at) from ranked where rank > (select max(ordinal) from page)) as horizon
  from page
 order by page.ordinal;

-- transfers of one account, pending (walk_transfers_pending)
with ranked as (
  select id, created_at, row_number() over (order by id desc) as rank
    from (select distinct id, created_at from (
select found.id, found.created_at
  from unnest($13::bigint[]) as walked (account_id)
 cross join lateral (
  with held as materialized (
    
(select t.id, t.created_at
   from hold h 
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = h.transfer_id
      and t.pending
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   offset 0
 ) t
  where h.debit_account_id between walked.account_id and walked.account_id
    and h.transfer_id < $1::bigint
    and $3::smallint is distinct from 1
    and ($3 is null or 
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end = $3)
   and ($10::timestamptz is null and $11::timestamptz is null
        or exists (select from settlement
                    where transfer_id = h.transfer_id
                      and ($10 is null or settled_at >= $10)
                      and ($11 is null or settled_at < $11)
                   offset 0))
    and h.state = 2
  order by h.debit_account_id desc, h.transfer_id desc
  limit $2::bigint)
    union all
    
(select t.id, t.created_at
   from hold h 
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = h.transfer_id
      and t.pending
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   offset 0
 ) t
  where h.credit_account_id between walked.account_id and walked.account_id
    and h.transfer_id < $1::bigint
    and $3::smallint is distinct from 1
    and ($3 is null or 
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end = $3)
   and ($10::timestamptz is null and $11::timestamptz is null
        or exists (select from settlement
                    where transfer_id = h.transfer_id
                      and ($10 is null or settled_at >= $10)
                      and ($11 is null or settled_at < $11)
                   offset 0))
    and h.state = 2
  order by h.credit_account_id desc, h.transfer_id desc
  limit $2::bigint)
  ), posted as (
    select t.id, t.created_at
      from entry e 
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = e.transfer_id
      and not t.pending
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   offset 0
 ) t
     where e.account_id = walked.account_id
       and e.sequence > greatest(
             case when $4::timestamptz is null then 0
                  else sequence_at(walked.account_id, $4 - interval '1 microsecond')
             end,
             (select sequence_at(walked.account_id, created_at - interval '1 microsecond')
                from held
               order by id desc
              offset $2::bigint - 1
               limit 1))
       and e.sequence <= case when $14::timestamptz is null then 9223372036854775807
                              else sequence_at(walked.account_id, $14)
                         end
       and e.transfer_id < $1::bigint
       and ($3::smallint is null or $3 = 1)
       and $10::timestamptz is null
       and $11::timestamptz is null
     order by e.sequence desc
     limit $2::bigint
  )
  select * from held
  union all
  select * from posted
 ) found) candidate) match
), page as (
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select t.*, 512 + coalesce(octet_length(t.metadata::text), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t."debitOwner"), 0) + coalesce(octet_length(t."creditOwner"), 0) as row_bytes
  from ranked
 cross join lateral (
select t.id as "id",
       t.debit_account_id as "debitAccountId",
       t.credit_account_id as "creditAccountId",
       d.owner as "debitOwner",
       c.owner as "creditOwner",
       t.amount as "amount",
       d.currency as "currency",
       d.minor_unit_digits as "minorUnitDigits",
       
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end as "state",
       coalesce(t.description, '') as "description",
       t.metadata as "metadata",
       coalesce(t.idempotency_key, '') as "idempotencyKey",
       t.created_by as "createdBy",
       coalesce(s.debit_account_balance, t.debit_account_balance) as "debitAccountBalance",
       coalesce(s.credit_account_balance, t.credit_account_balance) as "creditAccountBalance",
       t.debit_account_balance as "firstDebitBalance",
       t.credit_account_balance as "firstCreditBalance",
       coalesce(s.captured_amount, 0) as "capturedAmount",
       t.reverses_transfer_id as "reversesTransferId",
       r.id as "reversedByTransferId",
       t.created_at as "createdAt",
       coalesce(t.effective_at, t.created_at) as "effectiveAt",
       h.expires_at as "expiresAt",
       s.settled_by as "settledBy",
       s.settled_at as "settledAt",
       h.state is not distinct from 2 as "awaitsSettlement"
  from transfer t
  join account d on d.id = t.debit_account_id
  join account c on c.id = t.credit_account_id
  left join hold h on t.pending and h.transfer_id = t.id
  left join settlement s on h.state <> 2 and s.transfer_id = t.id
  left join transfer r on r.reverses_transfer_id = t.id where t.id = ranked.id offset 0) t
 where ranked.rank <= $2::bigint) r
        window rising as (order by r.id desc)) page
 where page.ordinal < $2::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal
)
select page.*, (select max(created_at) from ranked where rank > (select max(ordinal) from page)) as horizon
  from page
 order by page.ordinal;

-- transfers between two accounts (shorter_statement)
select a.id
  from account a
  join account_balance b on b.account_id = a.id
 where a.id in ($1::bigint, $2::bigint)
   and ($3::text is null or a.owner = $3)
 order by b.last_sequence, a.id
 limit 1;

-- transfers between two accounts (walk_transfers)
with ranked as (
  select id, created_at, row_number() over (order by id desc) as rank
    from (select distinct id, created_at from (
select found.id, found.created_at
  from unnest($13::bigint[]) as walked (account_id)
 cross join lateral (
  with held as materialized (
    
(select t.id, t.created_at
   from hold h 
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = h.transfer_id
      and t.pending
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   offset 0
 ) t
  where h.debit_account_id between walked.account_id and walked.account_id
    and h.transfer_id < $1::bigint
    and $3::smallint is distinct from 1
    and ($3 is null or 
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end = $3)
   and ($10::timestamptz is null and $11::timestamptz is null
        or exists (select from settlement
                    where transfer_id = h.transfer_id
                      and ($10 is null or settled_at >= $10)
                      and ($11 is null or settled_at < $11)
                   offset 0))
    
  order by h.debit_account_id desc, h.transfer_id desc
  limit $2::bigint)
    union all
    
(select t.id, t.created_at
   from hold h 
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = h.transfer_id
      and t.pending
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   offset 0
 ) t
  where h.credit_account_id between walked.account_id and walked.account_id
    and h.transfer_id < $1::bigint
    and $3::smallint is distinct from 1
    and ($3 is null or 
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end = $3)
   and ($10::timestamptz is null and $11::timestamptz is null
        or exists (select from settlement
                    where transfer_id = h.transfer_id
                      and ($10 is null or settled_at >= $10)
                      and ($11 is null or settled_at < $11)
                   offset 0))
    
  order by h.credit_account_id desc, h.transfer_id desc
  limit $2::bigint)
  ), posted as (
    select t.id, t.created_at
      from entry e 
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = e.transfer_id
      and not t.pending
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   offset 0
 ) t
     where e.account_id = walked.account_id
       and e.sequence > greatest(
             case when $4::timestamptz is null then 0
                  else sequence_at(walked.account_id, $4 - interval '1 microsecond')
             end,
             (select sequence_at(walked.account_id, created_at - interval '1 microsecond')
                from held
               order by id desc
              offset $2::bigint - 1
               limit 1))
       and e.sequence <= case when $14::timestamptz is null then 9223372036854775807
                              else sequence_at(walked.account_id, $14)
                         end
       and e.transfer_id < $1::bigint
       and ($3::smallint is null or $3 = 1)
       and $10::timestamptz is null
       and $11::timestamptz is null
     order by e.sequence desc
     limit $2::bigint
  )
  select * from held
  union all
  select * from posted
 ) found) candidate) match
), page as (
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select t.*, 512 + coalesce(octet_length(t.metadata::text), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t."debitOwner"), 0) + coalesce(octet_length(t."creditOwner"), 0) as row_bytes
  from ranked
 cross join lateral (
select t.id as "id",
       t.debit_account_id as "debitAccountId",
       t.credit_account_id as "creditAccountId",
       d.owner as "debitOwner",
       c.owner as "creditOwner",
       t.amount as "amount",
       d.currency as "currency",
       d.minor_unit_digits as "minorUnitDigits",
       
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end as "state",
       coalesce(t.description, '') as "description",
       t.metadata as "metadata",
       coalesce(t.idempotency_key, '') as "idempotencyKey",
       t.created_by as "createdBy",
       coalesce(s.debit_account_balance, t.debit_account_balance) as "debitAccountBalance",
       coalesce(s.credit_account_balance, t.credit_account_balance) as "creditAccountBalance",
       t.debit_account_balance as "firstDebitBalance",
       t.credit_account_balance as "firstCreditBalance",
       coalesce(s.captured_amount, 0) as "capturedAmount",
       t.reverses_transfer_id as "reversesTransferId",
       r.id as "reversedByTransferId",
       t.created_at as "createdAt",
       coalesce(t.effective_at, t.created_at) as "effectiveAt",
       h.expires_at as "expiresAt",
       s.settled_by as "settledBy",
       s.settled_at as "settledAt",
       h.state is not distinct from 2 as "awaitsSettlement"
  from transfer t
  join account d on d.id = t.debit_account_id
  join account c on c.id = t.credit_account_id
  left join hold h on t.pending and h.transfer_id = t.id
  left join settlement s on h.state <> 2 and s.transfer_id = t.id
  left join transfer r on r.reverses_transfer_id = t.id where t.id = ranked.id offset 0) t
 where ranked.rank <= $2::bigint) r
        window rising as (order by r.id desc)) page
 where page.ordinal < $2::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal
)
select page.*, (select max(created_at) from ranked where rank > (select max(ordinal) from page)) as horizon
  from page
 order by page.ordinal;

-- transfers with a key (find_transfers_by_key)
with ranked as (
  select id, created_at, row_number() over (order by id desc) as rank
    from (select distinct id, created_at from (
select t.id, t.created_at
  from (
select transfer_id from idempotency where key_digest between $14::uuid and $15::uuid
union all
select transfer_id from former_key where idempotency_key = $13::text) k
 cross join lateral (
   select t.id, t.created_at
     from transfer t
     left join hold h on t.pending and h.transfer_id = t.id
    where t.id = k.transfer_id
      and t.id < $1::bigint
      and ($3::smallint is null or 
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end = $3)
      and t.idempotency_key = $13
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   and ($10::timestamptz is null and $11::timestamptz is null
        or exists (select from settlement
                    where transfer_id = h.transfer_id
                      and ($10 is null or settled_at >= $10)
                      and ($11 is null or settled_at < $11)
                   offset 0))
   offset 0
 ) t
 order by t.id desc
 limit $2::bigint) candidate) match
), page as (
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select t.*, 512 + coalesce(octet_length(t.metadata::text), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t."debitOwner"), 0) + coalesce(octet_length(t."creditOwner"), 0) as row_bytes
  from ranked
 cross join lateral (
select t.id as "id",
       t.debit_account_id as "debitAccountId",
       t.credit_account_id as "creditAccountId",
       d.owner as "debitOwner",
       c.owner as "creditOwner",
       t.amount as "amount",
       d.currency as "currency",
       d.minor_unit_digits as "minorUnitDigits",
       
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end as "state",
       coalesce(t.description, '') as "description",
       t.metadata as "metadata",
       coalesce(t.idempotency_key, '') as "idempotencyKey",
       t.created_by as "createdBy",
       coalesce(s.debit_account_balance, t.debit_account_balance) as "debitAccountBalance",
       coalesce(s.credit_account_balance, t.credit_account_balance) as "creditAccountBalance",
       t.debit_account_balance as "firstDebitBalance",
       t.credit_account_balance as "firstCreditBalance",
       coalesce(s.captured_amount, 0) as "capturedAmount",
       t.reverses_transfer_id as "reversesTransferId",
       r.id as "reversedByTransferId",
       t.created_at as "createdAt",
       coalesce(t.effective_at, t.created_at) as "effectiveAt",
       h.expires_at as "expiresAt",
       s.settled_by as "settledBy",
       s.settled_at as "settledAt",
       h.state is not distinct from 2 as "awaitsSettlement"
  from transfer t
  join account d on d.id = t.debit_account_id
  join account c on c.id = t.credit_account_id
  left join hold h on t.pending and h.transfer_id = t.id
  left join settlement s on h.state <> 2 and s.transfer_id = t.id
  left join transfer r on r.reverses_transfer_id = t.id where t.id = ranked.id offset 0) t
 where ranked.rank <= $2::bigint) r
        window rising as (order by r.id desc)) page
 where page.ordinal < $2::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal
)
select page.*, (select max(created_at) from ranked where rank > (select max(ordinal) from page)) as horizon
  from page
 order by page.ordinal;

-- a transfer with a key of the caller's own (find_transfer_by_own_key)
with ranked as (
  select id, created_at, row_number() over (order by id desc) as rank
    from (select distinct id, created_at from (
select t.id, t.created_at
  from (select transfer_id from idempotency where key_digest = any($15::uuid[])) k
 cross join lateral (
   select t.id, t.created_at
     from transfer t
     left join hold h on t.pending and h.transfer_id = t.id
    where t.id = k.transfer_id
      and t.id < $1::bigint
      and ($3::smallint is null or 
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end = $3)
      and t.idempotency_key = $14::text
      and coalesce(t.created_by, (select owner from account where id = t.debit_account_id)) = $13
   and ($13::text is null or exists (select from account
                                      where id in (t.debit_account_id, t.credit_account_id)
                                        and owner = $13))
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))
   and ($10::timestamptz is null and $11::timestamptz is null
        or exists (select from settlement
                    where transfer_id = h.transfer_id
                      and ($10 is null or settled_at >= $10)
                      and ($11 is null or settled_at < $11)
                   offset 0))
   offset 0
 ) t
 order by t.id desc
 limit $2::bigint) candidate) match
), page as (
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (
select t.*, 512 + coalesce(octet_length(t.metadata::text), 0) + coalesce(octet_length(t.description), 0) + coalesce(octet_length(t."debitOwner"), 0) + coalesce(octet_length(t."creditOwner"), 0) as row_bytes
  from ranked
 cross join lateral (
select t.id as "id",
       t.debit_account_id as "debitAccountId",
       t.credit_account_id as "creditAccountId",
       d.owner as "debitOwner",
       c.owner as "creditOwner",
       t.amount as "amount",
       d.currency as "currency",
       d.minor_unit_digits as "minorUnitDigits",
       
       case when h.state is null then 1
            when h.state = 2 and h.expires_at <= clock_timestamp() then 5
            else h.state
       end as "state",
       coalesce(t.description, '') as "description",
       t.metadata as "metadata",
       coalesce(t.idempotency_key, '') as "idempotencyKey",
       t.created_by as "createdBy",
       coalesce(s.debit_account_balance, t.debit_account_balance) as "debitAccountBalance",
       coalesce(s.credit_account_balance, t.credit_account_balance) as "creditAccountBalance",
       t.debit_account_balance as "firstDebitBalance",
       t.credit_account_balance as "firstCreditBalance",
       coalesce(s.captured_amount, 0) as "capturedAmount",
       t.reverses_transfer_id as "reversesTransferId",
       r.id as "reversedByTransferId",
       t.created_at as "createdAt",
       coalesce(t.effective_at, t.created_at) as "effectiveAt",
       h.expires_at as "expiresAt",
       s.settled_by as "settledBy",
       s.settled_at as "settledAt",
       h.state is not distinct from 2 as "awaitsSettlement"
  from transfer t
  join account d on d.id = t.debit_account_id
  join account c on c.id = t.credit_account_id
  left join hold h on t.pending and h.transfer_id = t.id
  left join settlement s on h.state <> 2 and s.transfer_id = t.id
  left join transfer r on r.reverses_transfer_id = t.id where t.id = ranked.id offset 0) t
 where ranked.rank <= $2::bigint) r
        window rising as (order by r.id desc)) page
 where page.ordinal < $2::bigint
   and page.page_bytes - page.row_bytes < 2097152
 order by page.ordinal
)
select page.*, (select max(created_at) from ranked where rank > (select max(ordinal) from page)) as horizon
  from page
 order by page.ordinal;
