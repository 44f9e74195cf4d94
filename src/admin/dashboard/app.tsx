import { useLive } from './live.ts';

export function App() {
  const live = useLive();
  return <pre>{JSON.stringify(live, null, 2)}</pre>;
}
