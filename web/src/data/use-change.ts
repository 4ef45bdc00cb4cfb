import { useMutation, useQueryClient } from "@tanstack/react-query";

/** A call that changes the books. Every query is fetched again afterwards, even if the call failed. */
export function useChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const queries = useQueryClient();
  return useMutation<Output, Error, Input>({
    mutationFn: change,
    onSettled: () => void queries.invalidateQueries(),
  });
}
