import { useMutation, useQueryClient } from "@tanstack/react-query";

/** A call that changes the books. Afterwards everything that is shown is fetched anew, whatever came of it. */
export function useChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const queries = useQueryClient();
  return useMutation<Output, Error, Input>({
    mutationFn: change,
    onSettled: () => void queries.invalidateQueries(),
  });
}
