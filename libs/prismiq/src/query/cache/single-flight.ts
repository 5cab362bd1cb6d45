interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  passengers: number;
}

/** Lets equal work that is asked for while it runs be done once. It is aborted when all who have asked for it are gone. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  run(key: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const flight = this.#flights.get(key) ?? this.start(key, work);
    flight.passengers += 1;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        flight.passengers -= 1;
        if (flight.passengers === 0) {
          this.remove(key, flight);
          flight.controller.abort(signal!.reason);
        }
        reject(signal!.reason as Error);
      };
      if (signal?.aborted === true) {
        leave();
        return;
      }
      signal?.addEventListener('abort', leave, { once: true });
      flight.result.then(resolve, reject).finally(() => signal?.removeEventListener('abort', leave));
    });
  }

  private start(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const flight: Flight<T> = { result: work(controller.signal), controller, passengers: 0 };
    this.#flights.set(key, flight);
    const remove = (): void => this.remove(key, flight);
    flight.result.then(remove, remove);
    return flight;
  }

  private remove(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) {
      this.#flights.delete(key);
    }
  }
}
