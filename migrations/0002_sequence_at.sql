-- Up Migration

-- The sequence of an account's last entry created at or before a time; 0 when there was none. Times never fall along the
-- sequence, so it is found in the primary key, and no index by time has to be kept.
--
-- Each round guesses where the time would lie if entries came evenly, then looks a square root of the range beyond, on the
-- side that the guess left: entries that do come evenly are found in a few rounds, most of them on pages that were just
-- read. A bisection in each round bounds it at three looks a halving, however unevenly they came.
create or replace function sequence_at(account bigint, at timestamptz) returns bigint language plpgsql stable as $$
declare
  low       bigint := 1;
  high      bigint;
  low_time  timestamptz;
  high_time timestamptz;
  look      bigint;
  look_time timestamptz;
  goal      double precision := extract(epoch from at);
  low_epoch double precision;
  reach     bigint;
begin
  select sequence, created_at into high, high_time
    from entry
   where account_id = account
   order by sequence desc
   limit 1;
  if high is null then return 0; end if;
  if high_time <= at then return high; end if;
  select created_at into low_time from entry where account_id = account and sequence = low;
  if low_time > at then return 0; end if;

  -- From here on the entry at `low` counts and the one at `high` does not.
  while high - low > 1 loop
    reach := ceil(sqrt(high - low));
    for step in 1..3 loop
      if step = 1 then
        low_epoch := extract(epoch from low_time);
        look := low + (high - low) * ((goal - low_epoch) / (extract(epoch from high_time) - low_epoch));
      elsif step = 2 then
        look := case when look = low then low + reach else high - reach end;
      else
        look := low + (high - low) / 2;
      end if;
      look := greatest(low + 1, least(high - 1, look));
      select created_at into look_time from entry where account_id = account and sequence = look;
      if look_time <= at then
        low := look;
        low_time := look_time;
      else
        high := look;
        high_time := look_time;
      end if;
      exit when high - low <= 1;
    end loop;
  end loop;
  return low;
end
$$;

-- Down Migration

create or replace function sequence_at(account bigint, at timestamptz) returns bigint language plpgsql stable as $$
declare
  low    bigint := 0;
  high   bigint := coalesce((select sequence from entry where account_id = account order by sequence desc limit 1), 0);
  middle bigint;
begin
  while low < high loop
    middle := low + (high - low + 1) / 2;
    if (select created_at from entry where account_id = account and sequence = middle) <= at then
      low := middle;
    else
      high := middle - 1;
    end if;
  end loop;
  return low;
end
$$;
