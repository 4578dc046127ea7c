"""Searches that survive: every trial on disk, any number of workers, exact resume."""

from netwright.study._budget import Budget, Spent
from netwright.study._comparison import Comparison, Pair, compare_costs, compare_spaces
from netwright.study._evaluation import Evaluation, FunctionEvaluation, Report, Request, Result
from netwright.study._evolve_space import Evolved, Subspaces, evolve_by_trials, evolve_space, qt_score
from netwright.study._executor import Executor, InlineExecutor, OnStep
from netwright.study._loop import StudyInterrupted, resume, run_loop, start
from netwright.study._parts import KeepGoing, Parts, StudySpace
from netwright.study._plan import space_from
from netwright.study._population import Efficiency, Population, matched
from netwright.study._processes import ProcessExecutor
from netwright.study._progress import Progress, Tally
from netwright.study._records import STATES, State, Study, StudySpec, Trial, environment, front, trial_seed
from netwright.study._report import comparison_page
from netwright.study._search import Model, SearchResult, resume_search, search
from netwright.study._shrink import Shrunk, judged, kept_options, shrink_space
from netwright.study._store import FORMAT, Steps, Store
from netwright.study._trainings import Candidate, train_trial

__all__ = [
    "FORMAT",
    "STATES",
    "Budget",
    "Candidate",
    "Comparison",
    "Efficiency",
    "Evaluation",
    "Evolved",
    "Executor",
    "FunctionEvaluation",
    "InlineExecutor",
    "KeepGoing",
    "Model",
    "OnStep",
    "Pair",
    "Parts",
    "Population",
    "ProcessExecutor",
    "Progress",
    "Report",
    "Request",
    "Result",
    "SearchResult",
    "Shrunk",
    "Spent",
    "State",
    "Steps",
    "Store",
    "Study",
    "StudyInterrupted",
    "StudySpace",
    "StudySpec",
    "Subspaces",
    "Tally",
    "Trial",
    "compare_costs",
    "compare_spaces",
    "comparison_page",
    "environment",
    "evolve_by_trials",
    "evolve_space",
    "front",
    "judged",
    "kept_options",
    "matched",
    "qt_score",
    "resume",
    "resume_search",
    "run_loop",
    "search",
    "shrink_space",
    "space_from",
    "start",
    "train_trial",
    "trial_seed",
]
