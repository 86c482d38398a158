"""The one exception for mistakes a user can mend."""


class NormeqError(Exception):
    """A user's mistake: one line that names the thing and the remedy.

    The command line prints it without a traceback and exits with status 2; library callers may catch it.
    """
