"""Bounces of one mail to Bob, each as one kind of mail server writes them."""

import uuid

ID = uuid.UUID("7c1f2a10-5b1e-4d0c-9f3e-2b8c6d4e1a77")
OURS = f"""From: Interlude <no-reply@interlude.example>
To: bob@clinic.example
Date: Mon, 04 May 2026 16:05:00 -0400
Message-ID: <{ID}@interlude.example>
X-Mail-ID: {ID}
Auto-Submitted: auto-generated
Subject: A patient alert needs your attention
MIME-Version: 1.0
Content-Type: text/plain; charset="utf-8"
"""

POSTFIX = f"""Return-Path: <>
Received: by mx.interlude.example (Postfix)
\tid 4F1A2B3C4D; Mon,  4 May 2026 20:05:03 +0000 (UTC)
Date: Mon,  4 May 2026 20:05:03 +0000 (UTC)
From: MAILER-DAEMON@mx.interlude.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: no-reply@interlude.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="9D2C81F0A3.1777925103/mx.interlude.example"
Message-Id: <20260504200503.5E6F7A8B9C@mx.interlude.example>

This is a MIME-encapsulated message.

--9D2C81F0A3.1777925103/mx.interlude.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.interlude.example.

<bob@clinic.example>: host mail.clinic.example[192.0.2.7] said: 550 5.1.1
    <bob@clinic.example>: Recipient address rejected: User unknown (in reply to
    RCPT TO command)

--9D2C81F0A3.1777925103/mx.interlude.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.interlude.example
X-Postfix-Queue-ID: 9D2C81F0A3
X-Postfix-Sender: rfc822; no-reply@interlude.example
Arrival-Date: Mon,  4 May 2026 20:05:01 +0000 (UTC)

Final-Recipient: rfc822; bob@clinic.example
Original-Recipient: rfc822;bob@clinic.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.clinic.example
Diagnostic-Code: smtp; 550 5.1.1 <bob@clinic.example>: Recipient address
    rejected: User unknown

--9D2C81F0A3.1777925103/mx.interlude.example
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <no-reply@interlude.example>
{OURS}
--9D2C81F0A3.1777925103/mx.interlude.example--
"""

POSTFIX_DELAYED = POSTFIX.replace("Action: failed\nStatus: 5.1.1", "Action: delayed\nStatus: 4.4.1").replace(
    "Remote-MTA:", "Will-Retry-Until: Sat,  9 May 2026 20:05:01 +0000 (UTC)\nRemote-MTA:"
)
# After five days: nobody tries any more, though the reason would pass.
POSTFIX_EXPIRED = POSTFIX.replace("Status: 5.1.1", "Status: 4.4.1")

EXIM = f"""Return-path: <>
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.interlude.example>
To: no-reply@interlude.example
References: <{ID}@interlude.example>
Content-Type: multipart/report; report-type=delivery-status; boundary=1777925103-eximdsn-1804289383
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1wKzQP-000ABC-1D@mx.interlude.example>

--1777925103-eximdsn-1804289383
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

  bob@clinic.example
    host mail.clinic.example [192.0.2.7]
    SMTP error from remote mail server after RCPT TO:<bob@clinic.example>:
    550 Unrouteable address

--1777925103-eximdsn-1804289383
Content-type: message/delivery-status

Reporting-MTA: dns; mx.interlude.example

Action: failed
Final-Recipient: rfc822;bob@clinic.example
Status: 5.0.0
Remote-MTA: dns; mail.clinic.example
Diagnostic-Code: smtp; 550 Unrouteable address

--1777925103-eximdsn-1804289383
Content-type: message/rfc822

Return-path: <no-reply@interlude.example>
Received: from app ([192.0.2.1]) by mx.interlude.example with esmtpsa
{OURS}
A patient alert needs your attention.

--1777925103-eximdsn-1804289383--
"""

EXCHANGE = f"""From: "Microsoft Outlook" <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@clinic.example>
To: <no-reply@interlude.example>
Date: Mon, 4 May 2026 20:05:03 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="5f2a3f6e-0d57-4a0c-9d55-4d1d84a0c0de"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-US
Message-ID: <5f2a3f6e-0d57-4a0c-9d55-4d1d84a0c0de@AM0PR01MB1234.prod.exchangelabs.com>
In-Reply-To: <{ID}@interlude.example>
Subject: Undeliverable: A patient alert needs your attention
Auto-Submitted: auto-replied
MIME-Version: 1.0

--5f2a3f6e-0d57-4a0c-9d55-4d1d84a0c0de
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="d3c6c1f4-11aa-4a3b-8a54-0d9f6c1e2b3a"

--d3c6c1f4-11aa-4a3b-8a54-0d9f6c1e2b3a
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Your message to bob@clinic.example couldn't be delivered.=

--d3c6c1f4-11aa-4a3b-8a54-0d9f6c1e2b3a
Content-Type: text/html; charset="us-ascii"

<html><b>Your message couldn't be delivered.</b></html>

--d3c6c1f4-11aa-4a3b-8a54-0d9f6c1e2b3a--

--5f2a3f6e-0d57-4a0c-9d55-4d1d84a0c0de
Content-Type: message/delivery-status

Reporting-MTA: dns;AM0PR01MB1234.eurprd01.prod.exchangelabs.com
Received-From-MTA: dns;mx.interlude.example
Arrival-Date: Mon, 4 May 2026 20:05:01 +0000

Final-Recipient: rfc822;bob@clinic.example
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup

--5f2a3f6e-0d57-4a0c-9d55-4d1d84a0c0de
Content-Type: message/rfc822

Received: from mx.interlude.example (192.0.2.1) by AM0PR01MB1234.eurprd01.prod.exchangelabs.com
{OURS}
A patient alert needs your attention.

--5f2a3f6e-0d57-4a0c-9d55-4d1d84a0c0de--
"""

GMAIL = f"""Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: no-reply@interlude.example
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: <{ID}@interlude.example>
In-Reply-To: <{ID}@interlude.example>
X-Failed-Recipients: bob@clinic.example
Message-ID: <69f8f1ef.050a0220.1b2c3.0a1b.GMR@mx.google.com>
Date: Mon, 04 May 2026 13:05:03 -0700 (PDT)
Content-Type: multipart/report; boundary="000000000000a1b2c30651234567"; report-type=delivery-status

--000000000000a1b2c30651234567
Content-Type: multipart/related; boundary="000000000000a1b2e70651234568"

--000000000000a1b2e70651234568
Content-Type: multipart/alternative; boundary="000000000000a1b2f10651234569"

--000000000000a1b2f10651234569
Content-Type: text/plain; charset="UTF-8"

** Address not found **

--000000000000a1b2f10651234569--
--000000000000a1b2e70651234568
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64
Content-ID: <icon.png>

iVBORw0KGgo=
--000000000000a1b2e70651234568--
--000000000000a1b2c30651234567
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Arrival-Date: Mon, 04 May 2026 13:05:02 -0700 (PDT)
X-Original-Message-ID: <{ID}@interlude.example>

Final-Recipient: rfc822; bob@clinic.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.clinic.example. (192.0.2.7, the server for the domain clinic.example.)
Diagnostic-Code: smtp; 550 5.1.1 <bob@clinic.example>: User unknown
Last-Attempt-Date: Mon, 04 May 2026 13:05:03 -0700 (PDT)

--000000000000a1b2c30651234567
Content-Type: message/rfc822

DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=interlude.example; s=google;
        h=auto-submitted:message-id:date:to:from:subject; bh=x; b=y
{OURS}
A patient alert needs your attention.

--000000000000a1b2c30651234567--
"""

# Its own Message-ID has taken the place of ours.
SES = f"""From: MAILER-DAEMON@amazonses.com
To: no-reply@interlude.example
Subject: Delivery Status Notification (Failure)
Date: Mon, 4 May 2026 20:05:03 +0000
Message-ID: <0100018f1c2d3e4f-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee-000000@email.amazonses.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="----=_Part_12_34.56"

------=_Part_12_34.56
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 7bit

An error occurred while trying to deliver the mail to the following recipients:
bob@clinic.example
------=_Part_12_34.56
Content-Type: message/delivery-status
Content-Transfer-Encoding: 7bit

Reporting-MTA: dns; a8-50.smtp-out.amazonses.com

Action: failed
Final-Recipient: rfc822; bob@clinic.example
Diagnostic-Code: smtp; 550 5.1.1 user unknown
Status: 5.1.1


------=_Part_12_34.56
Content-Type: message/rfc822
Content-Transfer-Encoding: 7bit

{OURS.replace(f"<{ID}@interlude.example>", "<0100018f1c2d3e4f-12345678-000000@email.amazonses.com>")}
A patient alert needs your attention.

------=_Part_12_34.56--
"""
