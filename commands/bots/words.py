"""What bots say."""

QUESTIONS = (
    "How do you know that your reference is right?",
    "Is a cheaper meter with a good model better than a good meter?",
    "What is the one mistake that you see in every plant?",
    "Do you trust a meter that calibrates itself?",
    "How long does a certificate stay true after the truck ride?",
    "What would you measure if you could measure one thing more?",
    "Is two percent good enough for billing heat?",
    "Who should own the data: the operator or the maker of the meter?",
    "Can I compare meters from two makers at all?",
    "How do you explain uncertainty to a manager in one minute?",
    "Does averaging more often make the number better?",
    "What happens to the zero when nobody looks at it for ten years?",
    "Are battery meters good enough for custody transfer by now?",
    "How much does the pipe before the meter really matter?",
    "When do you throw a meter away instead of repairing it?",
    "Which number on a data sheet do you never believe?",
    "How do you find a leak that is smaller than your uncertainty?",
    "Will regulators accept remote verification?",
    "What did you get wrong in your last paper?",
    "Do you still teach students to draw error bars by hand?",
    "Why do all our tanks together never add up?",
    "Is it worth measuring temperature twice?",
    "How many digits should an operator see?",
    "What should a small plant without a laboratory do?",
    "Can vibration fool a Coriolis meter, and how would I notice?",
    "Is the customer's complaint itself a measurement?",
    "How do you keep old interfaces alive for twenty years?",
    "What is your opinion on open firmware for meters?",
    "How often is the wiring to blame, honestly?",
    "Does a good display make people trust a bad number?",
    "What would make you change your mind about ultrasonic meters?",
    "Do you measure in the shower?",
    "How do you test a meter for a liquid that you may not have in the house?",
    "Where does the money go: into sensors, or into people who read them?",
    "Is a trend from a bad meter still a good trend?",
    "What is the most expensive wrong number that you have seen?",
    "Should alarms know about uncertainty?",
    "How do you retire a reference that everybody depends on?",
    "May a meter guess when the signal is gone, if it says so?",
    "What do you read to keep up with the field?",
    "How would you audit an algorithm inside a meter?",
    "Does humidity matter for scales in a warehouse?",
    "How do I convince purchasing that accuracy is not a checkbox?",
    "Which standard would you abolish?",
    "What did the dairy industry teach you?",
    "Is there a cheap way to check a meter without stopping the plant?",
)

REASONS = (
    "This has been asked; please vote for the other one.",
    "Please ask this at the stand, it is about one product only.",
    "We could not make out the question. Would you put it in one sentence?",
    "This is for the session tomorrow.",
)

TOPICS: tuple[tuple[str, str, list[str]], ...] = (
    ("FM-40: display freezes after start-up", "The output goes on. Power off and on helps for a day.", ["fm-40"]),
    (
        "FM-40: totaliser jumps by 65,536",
        "Always at about the same count, and back at the next power cycle.",
        ["fm-40"],
    ),
    ("FM-80: flow reverses for a second when the pump stops", "Water hammer, or the filter?", ["fm-80"]),
    ("FM-80: web page asks for the password again and again", "Only from tablets, never from the desktop.", ["fm-80"]),
    ("FM-80: PROFINET alarm 0x8000 without a cause", "Twice a week, at night, clears itself.", ["fm-80", "profinet"]),
    ("WS-12: weight creeps up by 20 g an hour", "The platform is clean and level, room at 21 degrees.", ["ws-12"]),
    ("WS-12: second display stays dark", "The cable was swapped, the first one works on both ports.", ["ws-12"]),
    ("WS-30: tare key does nothing in German", "In English it works. Firmware 1.9.", ["ws-30"]),
    ("WS-30: printer prints two labels", "One from the scale, one from the line controller, we think.", ["ws-30"]),
    ("GW-3: MQTT connection drops each midnight", "The broker says that the client went away.", ["gw-3", "mqtt"]),
    ("GW-3: certificate is refused since Monday", "The customer has a new authority of their own.", ["gw-3", "tls"]),
    ("GW-3: update stays at 99 percent", "Three of forty gateways, all at one site.", ["gw-3", "update"]),
    ("Modbus: how to read the serial number?", "The manual gives two addresses and neither answers.", ["modbus"]),
    ("IO-Link: which description file for firmware 4?", "The master offers five and warns about each.", ["io-link"]),
    ("Certificate: customer wants the raw values", "Do we give them out, and in which form?", ["calibration"]),
    ("Customs: which number for a meter with a radio?", "The parcel has been in Rotterdam since Friday.", ["shipping"]),
)

HINTS = (
    "Had this last month: firmware first, then zero it, then look again.",
    "Check the ground strap. It sounds silly, and it is always the ground strap.",
    "There is a note on this in the service handbook, chapter 7, near the end.",
    "Swap it with the spare from the store and see whether the fault moves with it.",
    "Ask them for the log file first; without it we are guessing.",
    "That is as designed, believe it or not. Menu 6.3 turns it off.",
)

RELAYS = (
    "The developers have an answer: it is in the escalated topic, and it works here.",
    "Solved over there. I have tried it on the bench before I told the customer.",
    "Answer from the developers: confirmed, with a way around it until the next release.",
)

ANSWERS = (
    "Confirmed. It is a race at start-up; the next release waits for the sensor first.",
    "This register was never filled. Use the one 16 further on until we mend it.",
    "The filter is set for water. Set the damping to 0.5 s and it goes away.",
    "They need the new description file; the old one has the two words swapped.",
    "The time-out is shorter than their network is slow. Raise it to ten seconds.",
    "We can see it on the bench now. Until the fix: restart it once after the update, not twice.",
    "It is in the option bits: bit 3 should be off for this model.",
)

FROM_AGENTS = (
    "The customer is on site until five today.",
    "I have asked for the log; it is in the ticket.",
    "No hurry from their side, but the second site starts next week.",
    "They have tried the other port as well.",
)

FROM_DEVELOPERS = (
    "Which firmware exactly? The start page says it.",
    "I am setting it up on the bench.",
    "Can they send a picture of the wiring?",
    "I think that I know what this is. Give me an hour.",
)
