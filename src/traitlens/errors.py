"""The exceptions a user can meet.

    TraitlensError
    ├── ConfigError      an option has a value that is not accepted
    ├── SourceError      a path is no collection of tokens
    ├── CollectError     a contract, a provider or a raw folder is not what was asked for
    ├── DatasetError     a folder is no data set, or not the one that was expected
    ├── ModelError       a folder is no model, or does not fit the data or the index
    ├── IndexingError    a folder is no index, or was made with another model
    ├── EvaluationError  a file is no evaluation, or two cannot be compared
    └── QueryError       a search cannot be understood or answered
        └── UnknownTokenError  the index has no such token

Each message is one sentence that names the value and what would be accepted. What the world does
wrong (a broken PNG, a token without metadata) raises nothing: it is a rejected token with a reason.
"""


class TraitlensError(Exception):
    """A mistake that its maker can mend; the command line prints it without a traceback."""


class ConfigError(TraitlensError):
    """An option has a value that is not accepted."""


class SourceError(TraitlensError):
    """A path is no collection of tokens."""


class CollectError(TraitlensError):
    """A contract, a provider or a raw folder is not what was asked for."""


class DatasetError(TraitlensError):
    """A folder is no data set, or not the one that was expected."""


class ModelError(TraitlensError):
    """A folder is no model, or the model does not fit the data or the index."""


class IndexingError(TraitlensError):
    """A folder is no index, or it was made with another model."""


class EvaluationError(TraitlensError):
    """A file is no evaluation, or two evaluations did not search the same."""


class QueryError(TraitlensError):
    """A search cannot be understood or answered."""


class UnknownTokenError(QueryError):
    """The index has no such token."""
