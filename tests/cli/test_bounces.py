"""`flask bounce`: a mail that came back, on standard input."""

from flask import Flask

from tests.mail.bounce_samples import ID, POSTFIX, POSTFIX_DELAYED


def test_it_says_which_mail_did_not_arrive_and_not_at_whom(app: Flask) -> None:
    for mail, said in ((POSTFIX, f"{ID} 5.1.1 did not arrive"), (POSTFIX_DELAYED, f"{ID} 4.4.1 is late")):
        result = app.test_cli_runner().invoke(args=["bounce"], input=mail)
        assert (result.exit_code, result.output) == (0, f"{said}\nRecipients told of: 1.\n")


def test_what_is_no_bounce_is_refused(app: Flask) -> None:
    result = app.test_cli_runner().invoke(
        args=["bounce"], input="Subject: Re: your mail\n\nbob@clinic.example is away\n"
    )
    assert (result.exit_code, result.output) == (1, "Error: It is no report of a delivery.\n")
