-- Services find a client's company by the e-mail address, and Core's tokens carry it only when it is confirmed. In the local
-- realm only administrators write addresses. The false of existing accounts says nothing else: it was the default that Helm
-- sent, and nothing read it.
UPDATE users SET email_verified = true WHERE email IS NOT NULL AND NOT email_verified;
