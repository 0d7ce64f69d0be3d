"""Contains the texts that members write: about the milestones that this family notices, and about ordinary days.

Owns prose alone. All of it is invented; `{child}` is replaced by a name.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The texts about one milestone: a member's note, the daycare's prose, and the phrase that identifies the prose."""

    note: str
    prose: str
    key_phrase: str


WORDING: Final = {
    "feelings.social-smile": Wording(
        note="A real smile, not wind. Right at me.",
        prose="{child} smiled back at everyone who leaned over the mat",
        key_phrase="smiled back",
    ),
    "talking.coos": Wording(
        note="Cooing at the ceiling lamp like an old friend.",
        prose="{child} was cooing all through circle time",
        key_phrase="cooing",
    ),
    "movement.lifts-head-on-tummy": Wording(
        note="Head up on the play mat, cross and proud.",
        prose="{child} held the head up on the tummy",
        key_phrase="head up on the",
    ),
    "thinking.watches-own-hands": Wording(
        note="Has discovered hands. Ten minutes of staring.",
        prose="{child} kept studying those little hands",
        key_phrase="studying those little hands",
    ),
    "hands.shakes-a-rattle": Wording(
        note="Shook the wooden rattle, startled, shook it again.",
        prose="{child} shook the rattle at us",
        key_phrase="shook the rattle",
    ),
    "talking.squeals": Wording(
        note="Squealed so loud the neighbour's dog answered.",
        prose="{child} squealed at the bubbles",
        key_phrase="squealed",
    ),
    "hands.reaches-and-grabs": Wording(
        note="Reached straight for my glasses and got them.",
        prose="{child} reached out and grabbed the scarf",
        key_phrase="and grabbed",
    ),
    "movement.rolls-tummy-to-back": Wording(
        note="Tummy to back! Looked as surprised as I was.",
        prose="{child} rolled from tummy to back",
        key_phrase="rolled from tummy",
    ),
    "movement.rolls-back-to-tummy": Wording(
        note="Over from back to tummy, one arm stuck under.",
        prose="{child} rolled from back to tummy on the rug",
        key_phrase="rolled from back",
    ),
    "movement.holds-own-feet": Wording(
        note="Found the feet. Nappy change now takes twice as long.",
        prose="{child} caught both feet at nappy time",
        key_phrase="caught both feet",
    ),
    "movement.sits-without-support": Wording(
        note="Sat alone on the kitchen floor, king of all spoons.",
        prose="{child} sat without any support at story time",
        key_phrase="sat without any support",
    ),
    "hands.passes-hand-to-hand": Wording(
        note="The ring went from the left hand to the right and back.",
        prose="{child} passed a block from hand to hand",
        key_phrase="from hand to hand",
    ),
    "talking.babbles": Wording(
        note="Bababa, the whole way home.",
        prose="{child} was babbling a long bababa to the fish",
        key_phrase="babbling",
    ),
    "talking.turns-to-own-name": Wording(
        note="Said the name from the door and got a look.",
        prose="{child} turned round when we called the name",
        key_phrase="called the name",
    ),
    "life.first-tooth": Wording(
        note="There it is. You can hear it on the spoon.",
        prose="We can see a first tooth, {child}!",
        key_phrase="first tooth",
    ),
    "movement.rocks-on-hands-and-knees": Wording(
        note="Up on all fours, rocking, going nowhere, delighted.",
        prose="{child} is rocking on all fours",
        key_phrase="rocking on all fours",
    ),
    "thinking.looks-for-what-fell": Wording(
        note="Dropped the spoon and leaned right over to see where it went.",
        prose="{child} leaned over to look for what fell",
        key_phrase="look for what fell",
    ),
    "movement.crawls": Wording(
        note="Crawled. Straight to the cat's bowl.",
        prose="{child} crawled across to the book corner",
        key_phrase="crawled across",
    ),
    "movement.bottom-shuffles": Wording(
        note="Gets about on the bottom now, very upright, very fast.",
        prose="{child} shuffled on the bottom to the snack table",
        key_phrase="shuffled on the bottom",
    ),
    "movement.pulls-to-stand": Wording(
        note="Pulled up on the sofa and looked round for applause.",
        prose="{child} pulled up to stand at the sand table",
        key_phrase="pulled up to stand",
    ),
    "hands.claps": Wording(
        note="Clapping! At nothing. At everything.",
        prose="{child} clapped along to the song",
        key_phrase="clapped",
    ),
    "talking.waves": Wording(
        note="Waved goodbye to the bus. The bus driver waved back.",
        prose="{child} waved bye-bye to the cook",
        key_phrase="waved bye-bye",
    ),
    "hands.pincer-grasp": Wording(
        note="One single pea, finger and thumb.",
        prose="{child} picked up peas with finger and thumb",
        key_phrase="finger and thumb",
    ),
    "movement.cruises": Wording(
        note="All along the sofa and round the corner.",
        prose="{child} cruised along the low shelf",
        key_phrase="cruised along",
    ),
    "thinking.finds-hidden-toy": Wording(
        note="Hid the keys under the cup. Not for long.",
        prose="{child} found the hidden bear at once",
        key_phrase="found the hidden",
    ),
    "movement.stands-for-a-moment": Wording(
        note="Let go. Three whole seconds.",
        prose="{child} let go and stood for a moment",
        key_phrase="stood for a moment",
    ),
    "talking.points": Wording(
        note="Points at the moon, the lamp, the lamp, the lamp.",
        prose="{child} pointed at every digger we passed",
        key_phrase="pointed at",
    ),
    "talking.first-word": Wording(
        note="A word. A real one: ball.",
        prose="Was that a word, {child}? We all heard ball",
        key_phrase="was that a word",
    ),
    "movement.first-steps": Wording(
        note="Three steps from the chair to the sofa!",
        prose="{child} took a few steps on the carpet today",
        key_phrase="took a few steps",
    ),
    "movement.dances": Wording(
        note="Dances to the washing machine.",
        prose="{child} danced when the guitar came out",
        key_phrase="danced",
    ),
    "hands.stacks-two": Wording(
        note="One block on another. Then a long look at it.",
        prose="{child} put one block on top of another",
        key_phrase="on top of another",
    ),
    "hands.first-mark": Wording(
        note="A green line on the paper, and a bit of the table.",
        prose="{child} drew a first line with the fat crayon",
        key_phrase="drew a first line",
    ),
}
"""The texts of each milestone that this family notices, by the milestone's key."""

FEELINGS: Final = (
    "I had to sit down for a minute.",
    "I laughed so hard that we both got the hiccups.",
    "Worth every broken night.",
    "I forgot to film it, and I am glad.",
    "Tears, mine.",
    "I said it out loud to an empty kitchen afterwards.",
    "So serious about it, that little face.",
    "I want to remember the light in the room.",
    "I thought I had missed it. I had not.",
    "Even through the phone I could feel it.",
)

CHEERS: Final = (
    "Oh, well done!",
    "I can hear the giggle from here.",
    "Thank you for writing this down.",
    "What a day.",
    "Give them a kiss from me.",
    "I am so glad that you were there.",
)

DAILY: Final = {
    "sitter": (
        "Slept an hour and ten after lunch, both of them.",
        "Long walk by the canal. The ducks were a success.",
        "{child} did not want the carrots. {child} wanted my toast.",
        "Bath early, there was yoghurt everywhere.",
        "We sang the bus song eleven times. I counted.",
        "A bit of a cough, no fever, cheerful all the same.",
    ),
    "daycare": (
        "{child} enjoyed finger painting and made a very blue mess",
        "Lovely long nap for {child}, then stories in the garden",
        "{child} tried lentils at lunch and asked for more",
        "Music with Mrs. Hale: {child} liked the drum best",
        "Rainy day: {child} watched the drops race down the window",
        "Please bring a spare hat for {child}, thank you",
    ),
    "nana": (
        "We looked at the old photographs. {child} tried to eat your grandfather.",
        "Soup, a nap on my arm, and a parcel of knitted socks to take home.",
        "{child} fell asleep to the choir tape, as you used to.",
    ),
    "ada": (
        "Quiet evening. {child} fell asleep on my shoulder with one sock.",
        "New shoes tried on, rejected, tried on.",
        "Market day: {child} was given a strawberry and a compliment.",
    ),
    "ben": (
        "Cows. {child} is not sure about cows.",
        "{child} and I built a tower so that it could be knocked down.",
        "First evening back here; {child} crawled under the table to check on the cat.",
    ),
}

AGAIN: Final = ("And again today.", "Still at it, more sure each time.", "Did it for the camera this time.")

AGAIN_PROSE: Final = "Again today: "
"""The beginning of a daycare's note about a milestone that an earlier note was about."""
