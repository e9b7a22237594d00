import logging
import warnings

from fibrolens.io.quiet import quiet


def test_a_library_says_nothing_inside_and_is_heard_again_after(caplog):
    logger = logging.getLogger("somelib.part")
    with quiet("somelib"):
        logger.critical("Doe^Jane")
        warnings.warn_explicit("Doe^Jane", UserWarning, "x.py", 1, module="somelib.part")
    assert not caplog.text
    logger.critical("again")
    assert "again" in caplog.text
