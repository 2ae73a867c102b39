//! What people write to their service desk.
//!
//! Placeholders: `{host}` a computer, `{server}` a server, `{floor}`, `{n}` a small number, `{person}` a colleague's
//! name, `{company}` the requester's company.

/// One kind of ticket.
#[derive(Debug)]
pub struct Story {
    /// Vendor category.
    pub category: &'static str,
    /// Vendor sub-category.
    pub sub_category: &'static str,
    /// Subject line.
    pub subject: &'static str,
    /// The sentence that says what is wrong.
    pub body: &'static str,
    /// A service request (true) or an incident.
    pub request: bool,
}

const fn bad(category: &'static str, sub: &'static str, subject: &'static str, body: &'static str) -> Story {
    Story { category, sub_category: sub, subject, body, request: false }
}

const fn ask(category: &'static str, sub: &'static str, subject: &'static str, body: &'static str) -> Story {
    Story { category, sub_category: sub, subject, body, request: true }
}

/// Everyday support.
#[rustfmt::skip]
pub const SUPPORT: &[Story] = &[
    bad("Email", "Client", "Outlook keeps asking for a password after the update", "Since this morning the mail client asks for my password every few minutes, although it works on my phone."),
    bad("Email", "Delivery", "Mail to one customer comes back as undeliverable", "Everything we send to our largest customer bounces with a policy error. Other recipients are fine."),
    bad("Email", "Spam", "Invoices from a supplier land in quarantine", "Their invoices have been held in quarantine for three days now and we are late with a payment."),
    bad("Email", "Calendar", "Shared calendar is missing for the board", "The board calendar disappeared from everybody's list after the mailbox was moved."),
    bad("Email", "Client", "Search in the mailbox finds nothing older than {n} days", "I need a message from last spring and the search only shows recent mail."),
    bad("Email", "Mobile", "Phone no longer receives mail since the password change", "I changed my password yesterday and my phone has been silent since."),
    bad("Network", "VPN", "VPN drops every 20 minutes on Wi-Fi", "When I work from home the tunnel closes after about twenty minutes and all open files are lost."),
    bad("Network", "Wi-Fi", "Wi-Fi very slow on floor {floor}", "Video calls freeze on our floor since Monday. With a cable everything is fast."),
    bad("Network", "Switch", "Switch in the server room reboots at night", "The monitoring shows a short outage around two every night. Phones register again afterwards."),
    bad("Network", "Internet", "Whole office offline since the storm", "Nothing works: no internet, no phones. The light on the provider's box is red."),
    bad("Network", "File share", "Cannot reach file share from the warehouse", "The scanners in the warehouse say that the network path was not found."),
    bad("Network", "Firewall", "Partner portal blocked by the web filter", "The portal of our insurer is blocked as 'newly registered domain' but we need it every day."),
    bad("Hardware", "Laptop", "Laptop battery lasts {n} minutes", "I have to stay plugged in all day. The battery report says it is worn out."),
    bad("Hardware", "Dock", "Second monitor flickers on the new dock", "After connecting the new dock the left monitor goes black every few seconds."),
    bad("Hardware", "Desktop", "{host} does not start: blinking cursor only", "The computer at the front desk shows a black screen with a blinking cursor since this morning."),
    bad("Hardware", "Laptop", "Laptop fan is loud and the case gets hot", "The fan runs at full speed even with only one document open."),
    bad("Hardware", "Peripherals", "Card reader at reception is not recognised", "Patients are waiting: the reader does not light up on any port."),
    bad("Hardware", "Laptop", "Coffee over the keyboard of {host}", "It still runs but the space bar and some letters do not react any more."),
    bad("Printing", "Printer", "Printer on floor {floor} prints blank pages", "It takes paper and counts the pages but everything comes out white."),
    bad("Printing", "Scanner", "Scan to mail stopped working", "The device says 'authentication failed' when we scan to our own address."),
    bad("Printing", "Queue", "Label printer prints each label twice", "Every shipping label comes out two times since the driver was changed."),
    bad("Printing", "Printer", "Paper jam message will not go away on floor {floor}", "We opened every flap, there is no paper left inside, but the message stays."),
    bad("Software", "Business app", "Line-of-business app closes when saving an order", "As soon as I press save the program disappears without any message. It happens to three of us."),
    bad("Software", "Office", "Spreadsheet opens read-only for everybody", "The budget file says it is locked by {person}, who is on holiday."),
    bad("Software", "Accounting", "Accounting program says the licence has expired", "We cannot post invoices. The renewal was paid last month."),
    bad("Software", "Browser", "Bank website does not open after the browser update", "The page stays white on all computers in accounting."),
    bad("Software", "Update", "Update stuck at {n} percent on {host}", "It has been installing since yesterday evening and I do not dare to switch it off."),
    bad("Software", "PDF", "PDF forms lose their contents when saved", "We fill in the forms for our clients and after saving all fields are empty."),
    bad("Software", "Drawing", "Drawing program crashes with large plans", "Plans with more than fifty sheets make it close. We have a deadline on Friday."),
    bad("Access", "Password", "Locked out after the weekend", "My account is locked and the reset page does not accept my mobile number."),
    bad("Access", "MFA", "MFA prompt does not arrive on the new phone", "I have a new phone and the old one is already wiped, so I cannot confirm the login."),
    bad("Access", "Permissions", "No access to the project folder of {person}", "I took over the project and only see an empty folder."),
    ask("Access", "Permissions", "Please give {person} access to the payroll share", "Approved by our controller. Read access is enough."),
    ask("Access", "Account", "Shared mailbox for the new branch", "We need one mailbox that the four people at the new branch can all answer from."),
    bad("Security", "Phishing", "Suspicious e-mail reported by accounting", "The message asks to change the bank details of a supplier. One colleague has clicked the link."),
    bad("Security", "Malware", "Antivirus warning on {host}", "A red window says that a threat was found in the downloads folder. I have not touched anything."),
    bad("Security", "Sign-in", "Sign-in from another country for {person}", "The report shows a successful login from a place where none of us is."),
    bad("Security", "Phishing", "Several people got a text message from 'the CEO'", "Three of us received a message that asks for gift cards. Nobody answered so far."),
    bad("Backup", "Job", "Backup job failed on {server} for the third night", "The report says 'not enough space on the target'. The last good backup is four days old."),
    bad("Backup", "Restore", "Folder deleted by mistake, please restore", "The folder 'Contracts' was deleted this morning, the state of last night would be perfect."),
    bad("Backup", "Job", "Backup of {server} takes until noon", "It used to finish at four in the morning and now it slows down everybody."),
    bad("Servers", "Disk", "Disk almost full on {server}", "Monitoring: less than five percent free on the data volume."),
    bad("Servers", "Performance", "Terminal server very slow since the patch day", "Opening a document takes a minute for everybody who works on the server."),
    bad("Servers", "Service", "Service of the time clock stopped on {server}", "Nobody can clock in. A restart yesterday helped for an hour."),
    bad("Servers", "UPS", "UPS in the rack beeps and shows a battery fault", "The battery is five years old according to the sticker."),
    bad("Telephony", "Handset", "Desk phone shows 'no service'", "Other phones in the room work. We changed the cable already."),
    bad("Telephony", "Call quality", "Callers cannot hear us on the main number", "We hear them, they hear nothing. With mobile phones it works."),
    bad("Telephony", "Voicemail", "Voicemail greeting still says we are closed", "The holiday message is still active and customers complain."),
    ask("Telephony", "Numbers", "Forward the emergency line to {person}", "From Friday evening to Monday morning, please."),
    ask("Onboarding", "New user", "New starter on Monday: laptop, mailbox, phone", "{person} starts on Monday in sales. Same rights as the rest of the team, please."),
    ask("Onboarding", "Leaver", "Leaver: please disable the account of {person}", "Last working day is this Friday. The mailbox should go to the manager."),
    ask("Onboarding", "Name change", "Name change after wedding", "Please change my display name and mail address and keep the old one as an alias."),
    ask("Hardware", "Order", "Two monitors for the new office", "Twenty-seven inches, height-adjustable, as we have on floor {floor}."),
    ask("Hardware", "Order", "Quote request: {n} replacement workstations", "Ours are out of warranty this year. Please include docking and disposal."),
    ask("Software", "Install", "Install the label designer on {host}", "The licence key is with {person}."),
    ask("Software", "Licence", "One more licence for the drawing program", "For our new colleague in engineering, starting next week."),
    ask("Email", "Distribution list", "Distribution list for all project managers", "Please add {person} and everybody with that title and tell us the address."),
    ask("Printing", "Supplies", "Toner for the printer on floor {floor}", "Black and cyan are below ten percent."),
    bad("Network", "Wi-Fi", "Guests cannot get past the Wi-Fi welcome page", "The page loads for ever since Tuesday, our own devices are fine."),
    bad("Network", "VPN", "Home office: mapped drives show a red cross", "After connecting I have to click each drive twice before it opens."),
    bad("Hardware", "Monitor", "Meeting room screen shows 'no signal'", "We tried two laptops and both cables. The customer arrives at three."),
    bad("Hardware", "Tablet", "Tablets in the workshop do not charge any more", "All three charging stations blink orange."),
    bad("Hardware", "Desktop", "{host} makes clicking noises", "It is slow as well and the noise comes from inside the case."),
    bad("Software", "Office", "Mail merge prints the wrong addresses", "Row {n} of the list is used for every letter."),
    bad("Software", "Browser", "Time sheet page shows yesterday's data", "After entering my hours the page goes back to the old values."),
    bad("Software", "Accounting", "Bank import rejects the file of this month", "Error in line {n}, but we did not change anything."),
    bad("Email", "Client", "Signature has the old logo again", "The new one was there until the weekend."),
    bad("Email", "Mobile", "Calendar invitations arrive an hour off", "Only on phones, since the clocks changed."),
    bad("Access", "Badge", "Door badge of {person} opens nothing", "It worked last week. The light turns red at every door."),
    bad("Access", "Password", "Password manager asks for a key nobody has", "{person} set it up and has left the company."),
    bad("Servers", "Database", "Report server answers 'timeout' every morning", "Between eight and nine nobody gets the stock list."),
    bad("Servers", "Licence", "Remote desktop: no licence server available", "Two of us get in, everybody else sees this message."),
    bad("Backup", "Restore", "Restore test of {server} did not boot", "Monthly test. The virtual machine stops at the logo."),
    bad("Telephony", "Queue", "Calls skip the queue and ring at reception", "Since the new menu was recorded."),
    bad("Telephony", "Headset", "Headset connects but nobody hears {person}", "It works in the music player, not in calls."),
    ask("Access", "Permissions", "Temporary access for the auditor", "Read only, from Monday for two weeks. Approved by {person}."),
    ask("Hardware", "Order", "Headsets for the customer service team", "{n} pieces, wireless, the same model as last year."),
    ask("Onboarding", "Move", "{person} moves to the branch office", "Phone, docking station and the second screen should be there on the first."),
    ask("Software", "Report", "Export of all mail addresses of our staff", "As a table, please, for the new payroll provider."),
    bad("Monitoring", "Alert", "{server}: CPU above 95 % for 15 minutes", "Automatic alert. Process list attached by the agent."),
    bad("Monitoring", "Alert", "{host} has not checked in for {n} days", "Automatic alert. Last seen on the guest network."),
    bad("Monitoring", "Certificate", "Certificate of the web mail expires in {n} days", "Automatic alert. Renewal did not run."),
];

/// Project work of the professional-services team.
#[rustfmt::skip]
pub const PROJECTS: &[Story] = &[
    ask("Projects", "Migration", "Mailbox migration, wave {n}", "Next group of users as agreed in the kick-off. Please confirm the evening."),
    ask("Projects", "Network", "Wi-Fi survey and access point plan for the warehouse", "The racks were rebuilt, coverage in aisle {n} is poor."),
    ask("Projects", "Firewall", "Replace firewall at the branch office", "Hardware has arrived. Cut-over only after six in the evening."),
    ask("Projects", "Servers", "Move {server} to the new virtual host", "Includes test restore before and after."),
    ask("Projects", "Cloud", "File server to cloud: permissions concept", "We need a table of who may see what before the pilot."),
    ask("Projects", "Security", "Roll out MFA to all staff", "Pilot group went well, now the remaining {n} people."),
    ask("Projects", "Office move", "Office move to {company} phase 2: cabling and phones", "Moving day is at the end of the month, furniture plan is attached."),
    ask("Projects", "Telephony", "Port numbers to the new phone system", "The old provider confirmed the date. Ring groups as today."),
    ask("Projects", "Devices", "Replace {n} desktops before the end of support", "Images are ready, users are told one week ahead."),
    ask("Projects", "Compliance", "Evidence for the cyber insurance questionnaire", "They want to know about backup tests, patching and admin accounts."),
    ask("Projects", "Backup", "Second backup copy at another site", "Quote was accepted, please plan the first full copy over a weekend."),
    ask("Projects", "Automation", "Automate starter and leaver forms", "From the form to the account without retyping."),
    ask("Projects", "Review", "Quarterly business review: collect the numbers", "Tickets, response times, open risks and the hardware that must be replaced."),
    ask("Projects", "Network", "Separate network for cameras and door controllers", "Drawing is attached, the electrician is done by next week."),
    ask("Projects", "Cloud", "Conditional access: policy draft for review", "Including the two machines that cannot do modern sign-in."),
    ask("Projects", "Servers", "Retire the old terminal server", "Nobody should be on it any more, please check before the switch-off."),
    ask("Projects", "Consulting", "Workshop: how we work with files in the future", "Half a day on site, {n} people."),
    ask("Projects", "Devices", "Scanner roll-out in the warehouse", "Test of the first {n} devices went well."),
    ask("Projects", "Merger", "Bring the staff of the acquired office into our tenant", "About {n} mailboxes and one file server."),
    ask("Projects", "Telephony", "Call centre reports for the management", "Calls per hour, waiting time, lost calls."),
    ask("Projects", "Automation", "Order mails into the inventory system", "Format is always the same, today it is typed by hand."),
    bad("Projects", "Migration", "Old archive missing after the migration of {person}", "The folders from before the move do not show up."),
];

/// Texts that try to break whoever shows them. They are plausible enough to stand on a demo board.
#[rustfmt::skip]
pub const HOSTILE: &[Story] = &[
    bad("Software", "Web form", "Contact form sends <script>alert('hi')</script> instead of the name", "Our web form puts <img src=x onerror=\"alert(1)\"> & <b>bold</b> code into the mails we get."),
    bad("Software", "Export", "\"Save as\" fails for names with & < > ' \" and \\ in them", "Files such as R&D <draft> \"final\".xlsx cannot be saved, =HYPERLINK(\"http://x\") neither."),
    bad("Email", "Encoding", "Umlauts broken: Größe → GrÃ¶ße, 日本語 → ???, and 🖨️ is a box", "Accents look fine here — é, ß, ł, 漢字 — but our customers get question marks."),
    bad("Email", "Encoding", "Subject with a very long word: Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft-and-it-goes-on-without-any-space-at-all", "Such names break the table in our report. \u{202e}Right to left\u{202c} text does so too."),
];

/// Sentences that end a request.
pub const CLOSERS: &[&str] = &[
    "Thank you for looking into it.",
    "It would be great to have this solved today.",
    "I am at my desk until five.",
    "Please call me before you connect.",
    "No hurry, any time this week is fine.",
    "Kind regards",
    "Thanks a lot!",
    "Several colleagues are affected & we are losing time.",
];

/// What technicians answer.
pub const AGENT_REPLIES: &[&str] = &[
    "Thank you for the report, I am looking into it now.",
    "Could you please tell me the exact text of the message?",
    "I have changed the setting. Please restart and try again.",
    "The part is ordered and should arrive this week.",
    "I will connect to your computer in ten minutes if that suits you.",
    "We have asked the vendor and will keep you posted.",
    "This should work again now. Please let me know if it does not.",
];

/// What customers answer.
pub const CUSTOMER_REPLIES: &[&str] = &[
    "It still happens, a screenshot is attached.",
    "That worked, thank you! One more question though.",
    "I am free after two o'clock, please call me then.",
    "Any news on this? My manager is asking.",
    "Here is the number you asked for.",
    "Now a colleague has the same problem.",
    "Yes, please go ahead.",
];

/// What technicians note for each other.
pub const NOTES: &[&str] = &[
    "Called the user, no answer, left a voicemail.",
    "Vendor case opened.",
    "Same symptom as last month, see history.",
    "Waiting for approval of the quote.",
    "Checked event log: nothing unusual.",
];

/// What time entries say.
pub const WORK_NOTES: &[&str] =
    &["Remote session", "Phone call with the user", "Analysis", "On site", "Vendor call", "Documentation"];
