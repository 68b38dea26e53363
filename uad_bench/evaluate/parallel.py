"""The metrics of many cases by several processes, with the results and the errors of one process."""

import logging
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from uad_bench.support.process_pool import LibraryError, WorkerDied, in_flight
from uad_bench.types import Scored

log = logging.getLogger(__name__)

Result = TypeVar("Result")


def evaluated_cases(
    evaluate_case: Callable[[Scored], Result], cases: Iterable[Scored], processes: int
) -> Iterator[Result]:
    """`evaluate_case` of every case, in their order, by this process or by several.

    A case at which a process fails is evaluated here, so that its error is that of one process. Metrics that cannot be
    sent to another process are computed here, too, which the messages say.
    """
    if processes <= 1 or not _portable(evaluate_case):
        yield from map(evaluate_case, cases)
        return
    died = False
    for scored, call in in_flight(evaluate_case, cases, processes):
        try:
            result = call()
        except LibraryError:
            result = evaluate_case(scored)
        except WorkerDied as error:
            if not died:
                log.warning(
                    "%s: the remaining cases are evaluated by one process, from %s on", error, scored.case_id
                )
            died, result = True, evaluate_case(scored)
        yield result


def _portable(evaluate_case: Callable[[Scored], Result]) -> bool:
    try:
        pickle.dumps(evaluate_case)
    except Exception as error:  # whatever a metric of others raises there
        log.info("evaluated by one process, as a metric cannot be sent to another one: %s", error)
        return False
    return True
