"""Write the shipped problems: `python -m tools.evaluate.generate > questions.jsonl`.

Each problem is made from a seed of its own, which its line names, so that the file can be made
again at any time. The answers are in GSM8K's form: the working, then `#### ` and the number.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from tools.evaluate.scoring import shown

PROBLEMS = 200
FIRST_SEED = 80_201
NAMES = [
    *("Amara", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas"),
    *("Kavya", "Liam", "Mei", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Samir", "Tess"),
]

Number = int | Fraction


@dataclass(frozen=True, slots=True)
class Problem:
    """`working` is a list of equations; the right side of the last one is the answer."""

    question: str
    working: list[str]


def problem(seed: int) -> dict[str, object]:
    """The problem of a seed, as a line of the file."""
    kind = KINDS[seed % len(KINDS)]
    made = kind(Random(seed))  # noqa: S311 - nothing secret
    answer = made.working[-1].rpartition("= ")[2]
    return {
        "question": made.question,
        "answer": "\n".join([*made.working, f"#### {answer}"]),
        "kind": kind.__name__,
        "seed": seed,
    }


def equation(left: str, right: Number) -> str:
    """A line of the working."""
    return f"{left} = {shown(Fraction(right))}"


def change_from_a_note(r: Random) -> Problem:
    name, pens, books = r.choice(NAMES), r.randint(3, 9), r.randint(2, 4)
    pen, book = Fraction(r.randrange(45, 200, 5), 100), Fraction(r.randrange(450, 900, 25), 100)
    first, second = pens * pen, books * book
    note = next(note for note in (20, 50, 100) if note > first + second)
    return Problem(
        f"{name} buys {pens} pens at ${float(pen):.2f} each and {books} notebooks at "
        f"${float(book):.2f} each, and pays with a ${note} note. How many dollars of change does "
        f"{name} get back?",
        [
            equation(f"{pens} * {shown(pen)}", first),
            equation(f"{books} * {shown(book)}", second),
            equation(f"{note} - {shown(first)} - {shown(second)}", note - first - second),
        ],
    )


def average_speed(r: Random) -> Problem:
    slow, fast = 5 * r.randint(7, 13), 5 * r.randint(14, 23)
    hours, more = r.choice([(2, 2), (3, 3), (2, 3), (3, 2), (4, 4), (2, 8), (6, 4), (3, 5)])
    distance, farther = slow * hours, fast * more
    total = distance + farther
    return Problem(
        f"A bus drives for {hours} hours at {slow} km/h and then for {more} hours at {fast} km/h. "
        "What is its average speed over the whole trip, in km/h?",
        [
            equation(f"{slow} * {hours}", distance),
            equation(f"{fast} * {more}", farther),
            equation(f"{distance} + {farther}", total),
            equation(f"{total} / ({hours} + {more})", Fraction(total, hours + more)),
        ],
    )


def working_together(r: Random) -> Problem:
    one, other = r.sample(NAMES, 2)
    quick, slow, scale = r.randint(1, 3), r.randint(4, 7), r.randint(1, 4)
    first, second = scale * quick * (quick + slow), scale * slow * (quick + slow)
    together = Fraction(first * second, first + second)
    return Problem(
        f"{one} can paint a wall alone in {first} minutes. {other} needs {second} minutes for the "
        "same wall. They paint it together, each at their own steady speed. How many minutes does "
        "it take?",
        [
            equation(f"{first} * {second}", first * second),
            equation(f"{first} + {second}", first + second),
            equation(f"{first * second} / {first + second}", together),
        ],
    )


def discount_then_tax(r: Random) -> Problem:
    price, off, tax = 20 * r.randint(3, 30), r.choice([10, 15, 20, 25, 30]), r.choice([5, 10, 20])
    reduced = Fraction(price * (100 - off), 100)
    final = reduced * (100 + tax) / 100
    return Problem(
        f"A bicycle costs ${price}. It is reduced by {off}%, and then {tax}% sales tax is added to "
        "the reduced price. How many dollars does a customer pay?",
        [
            equation(f"{price} * (100 - {off}) / 100", reduced),
            equation(f"{shown(reduced)} * (100 + {tax}) / 100", final),
        ],
    )


def shares_in_a_ratio(r: Random) -> Problem:
    a, b, c = r.sample(NAMES, 3)
    low, middle, high = sorted(r.sample(range(2, 10), 3))
    parts, part = low + middle + high, r.randrange(15, 95, 5)
    return Problem(
        f"{a}, {b} and {c} share ${parts * part} in the ratio {low} : {middle} : {high}, in that "
        f"order. How many dollars more than {a} does {c} get?",
        [
            equation(f"{low} + {middle} + {high}", parts),
            equation(f"{parts * part} / {parts}", part),
            equation(f"({high} - {low}) * {part}", (high - low) * part),
        ],
    )


def score_that_is_needed(r: Random) -> Problem:
    name, scores = r.choice(NAMES), [r.randint(62, 88) for _ in range(r.randint(3, 5))]
    tests, total = len(scores) + 1, sum(scores)
    wanted = math.floor((total + r.randint(86, 99)) / tests)
    listed = ", ".join(map(str, scores[:-1])) + f" and {scores[-1]}"
    return Problem(
        f"{name} scored {listed} points in {len(scores)} tests. How many points does {name} need "
        f"in the next test for an average of exactly {wanted} points over all {tests} tests?",
        [
            equation(f"{wanted} * {tests}", wanted * tests),
            equation(" + ".join(map(str, scores)), total),
            equation(f"{wanted * tests} - {total}", wanted * tests - total),
        ],
    )


def ages(r: Random) -> Problem:
    young, old = r.sample(NAMES, 2)
    age, times, years = r.randint(6, 14), r.randint(3, 4), r.randint(4, 15)
    return Problem(
        f"{old} is {times} times as old as {young}, and together they are {age * (times + 1)} "
        f"years old. How old will {old} be in {years} years?",
        [
            equation(f"{age * (times + 1)} / ({times} + 1)", age),
            equation(f"{times} * {age}", times * age),
            equation(f"{times * age} + {years}", times * age + years),
        ],
    )


def recipe(r: Random) -> Problem:
    people, guests = r.choice([2, 4, 8]), r.choice([5, 6, 7, 9, 10, 11, 12])
    cups = Fraction(r.choice([3, 5, 7, 9]), r.choice([2, 4]))
    each, grain = cups / people, r.choice(["lentils", "rice", "barley", "beans", "oats"])
    return Problem(
        f"A soup for {people} people needs {cups} cups of {grain}. How many cups of {grain} does "
        f"the same soup need for {guests} people?",
        [
            equation(f"({cups}) / {people}", each),
            equation(f"{shown(each)} * {guests}", each * guests),
        ],
    )


def tank_with_a_leak(r: Random) -> Problem:
    leak, minutes = r.randint(3, 9), r.randint(12, 48)
    inflow = leak + r.randint(4, 16)
    volume = (inflow - leak) * minutes
    return Problem(
        f"Water runs into an empty tank at {inflow} litres a minute, while {leak} litres a minute "
        f"leak out. After how many minutes does the tank hold {volume} litres?",
        [
            equation(f"{inflow} - {leak}", inflow - leak),
            equation(f"{volume} / {inflow - leak}", minutes),
        ],
    )


def fence_around_a_garden(r: Random) -> Problem:
    width, gate = r.randint(8, 25), r.randint(2, 4)
    length, price = width + r.randint(3, 20), r.randint(6, 19)
    around = 2 * (width + length)
    return Problem(
        f"A rectangular garden has an area of {width * length} square metres and is {width} metres "
        f"wide. A fence goes all around it, except for a gate {gate} metres wide. The fence costs "
        f"${price} a metre. How many dollars does the fence cost?",
        [
            equation(f"{width * length} / {width}", length),
            equation(f"2 * ({width} + {length}) - {gate}", around - gate),
            equation(f"{around - gate} * {price}", (around - gate) * price),
        ],
    )


def weeks_of_saving(r: Random) -> Problem:
    name, have, earn = r.choice(NAMES), r.randint(20, 90), r.randint(35, 60)
    spend, price = r.randint(8, 22), r.randint(310, 690)
    each = earn - spend
    weeks = math.ceil(Fraction(price - have, each))
    short = price - have
    return Problem(
        f"{name} wants a camera that costs ${price} and has saved ${have}. Every week {name} earns "
        f"${earn} and spends ${spend} of it. After how many whole weeks is there enough money for "
        "the first time?",
        [
            equation(f"{price} - {have}", short),
            equation(f"{earn} - {spend}", each),
            equation(f"({short} + {weeks * each - short}) / {each}", weeks),
        ],
    )


def minutes_of_an_afternoon(r: Random) -> Problem:
    start, lessons = r.randint(1, 3), r.randint(3, 5)
    late, length, pause = r.randrange(5, 55, 5), r.randrange(25, 50, 5), r.choice([5, 10, 15])
    total = lessons * length + (lessons - 1) * pause
    end = start * 60 + late + total
    return Problem(
        f"Lessons begin at {start}:{late:02d} pm. There are {lessons} lessons of {length} minutes "
        f"each, with a pause of {pause} minutes between every two lessons. How many minutes before "
        f"10:00 pm does the last lesson end?",
        [
            equation(f"{lessons} * {length} + ({lessons} - 1) * {pause}", total),
            equation(f"{start} * 60 + {late} + {total}", end),
            equation(f"10 * 60 - {end}", 600 - end),
        ],
    )


def diluted_juice(r: Random) -> Problem:
    strong, weak = r.choice([(60, 40), (80, 50), (50, 20), (90, 60), (75, 30), (40, 25), (30, 12)])
    litres = 2 * r.randint(2, 30)
    pure = Fraction(litres * strong, 100)
    total = pure * 100 / weak
    return Problem(
        f"A drink of {litres} litres consists of {strong}% juice; the rest is water. How many "
        f"litres of water have to be added so that it consists of {weak}% juice?",
        [
            equation(f"{litres} * {strong} / 100", pure),
            equation(f"{shown(pure)} * 100 / {weak}", total),
            equation(f"{shown(total)} - {litres}", total - litres),
        ],
    )


def crates_with_a_distractor(r: Random) -> Problem:
    crates, each, rotten = r.randint(14, 36), r.randint(18, 45), r.randint(20, 90)
    bags, years = r.randint(5, 9), r.randint(11, 60)
    good = crates * each - rotten
    good, rotten = good - good % bags, rotten + good % bags
    return Problem(
        f"A farm that is {years} years old harvests {crates} crates of {each} apples each. "
        f"{rotten} apples are rotten and thrown away. The others are packed into bags of {bags} "
        "apples. How many full bags are there?",
        [
            equation(f"{crates} * {each}", crates * each),
            equation(f"{crates * each} - {rotten}", good),
            equation(f"{good} / {bags}", good // bags),
        ],
    )


def handshakes(r: Random) -> Problem:
    guests, couples = 2 * r.randint(6, 15), r.randint(2, 5)
    every = guests * (guests - 1) // 2
    return Problem(
        f"{guests} guests come to a party, among them {couples} couples. Everyone shakes hands "
        "once with everyone else, but not with their own partner. How many handshakes are there?",
        [
            equation(f"{guests} * ({guests} - 1) / 2", every),
            equation(f"{every} - {couples}", every - couples),
        ],
    )


def pages_that_are_left(r: Random) -> Problem:
    name, (first, second) = r.choice(NAMES), r.sample([2, 3, 4, 5], 2)
    pages = first * second * r.randint(9, 24)
    read = pages // first
    more = (pages - read) // second
    more_exact = Fraction(pages - read, second)
    return Problem(
        f"{name} reads 1/{first} of a book of {pages} pages on Monday, and 1/{second} of the rest "
        "on Tuesday. How many pages are left?",
        [
            equation(f"{pages} / {first}", read),
            equation(f"({pages} - {read}) / {second}", more_exact),
            equation(f"{pages} - {read} - {more}", pages - read - more),
        ],
    )


def falling_temperature(r: Random) -> Problem:
    start, drop, hours = r.randint(-4, 9), r.randint(2, 5), r.randint(4, 8)
    rise = r.randint(3, 11)
    night = start - drop * hours
    return Problem(
        f"At 6 pm it is {start} degrees Celsius. Until morning the temperature falls by {drop} "
        f"degrees an hour for {hours} hours, and then rises by {rise} degrees. How many degrees "
        "Celsius is it in the end? (The result may be negative.)",
        [
            equation(f"{start} - {drop} * {hours}", night),
            equation(f"{night} + {rise}", night + rise),
        ],
    )


def buses_for_a_trip(r: Random) -> Problem:
    classes, pupils, seats = r.randint(5, 12), r.randint(21, 31), r.choice([36, 44, 48, 52])
    teachers, price = 2 * classes, r.randrange(180, 420, 10)
    people = classes * pupils + teachers
    buses = math.ceil(people / seats)
    empty = buses * seats - people
    return Problem(
        f"{classes} classes of {pupils} pupils go on a trip, with 2 teachers for each class. A bus "
        f"has {seats} seats and costs ${price}. They take as few buses as possible. How many "
        "dollars do the buses cost?",
        [
            equation(f"{classes} * ({pupils} + 2)", people),
            equation(f"({people} + {empty}) / {seats}", buses),
            equation(f"{buses} * {price}", buses * price),
        ],
    )


def metres_of_a_ride(r: Random) -> Problem:
    speed, minutes, more = 6 * r.randint(2, 7), r.randint(4, 25), r.randrange(50, 950, 50)
    a_minute = Fraction(speed * 1000, 60)
    return Problem(
        f"A cyclist rides for {minutes} minutes at {speed} km/h and then walks {more} metres. How "
        "many metres is that altogether?",
        [
            equation(f"{speed} * 1000 / 60", a_minute),
            equation(f"{shown(a_minute)} * {minutes}", a_minute * minutes),
            equation(f"{shown(a_minute * minutes)} + {more}", a_minute * minutes + more),
        ],
    )


def doubling(r: Random) -> Problem:
    start, period, times = 5 * r.randint(3, 18), r.choice([2, 3, 4, 6]), r.randint(3, 6)
    lost = r.randint(10, 90)
    end = start * 2**times
    return Problem(
        f"A culture of {start} cells doubles every {period} hours. After {period * times} hours "
        f"{lost} cells are taken away. How many cells are left?",
        [
            equation(f"{period * times} / {period}", times),
            equation(f"{start} * 2 ** {times}", end),
            equation(f"{end} - {lost}", end - lost),
        ],
    )


KINDS: list[Callable[[Random], Problem]] = [
    change_from_a_note,
    average_speed,
    working_together,
    discount_then_tax,
    shares_in_a_ratio,
    score_that_is_needed,
    ages,
    recipe,
    tank_with_a_leak,
    fence_around_a_garden,
    weeks_of_saving,
    minutes_of_an_afternoon,
    diluted_juice,
    crates_with_a_distractor,
    handshakes,
    pages_that_are_left,
    falling_temperature,
    buses_for_a_trip,
    metres_of_a_ride,
    doubling,
]


def main() -> None:
    """The command."""
    for seed in range(FIRST_SEED, FIRST_SEED + PROBLEMS):
        print(json.dumps(problem(seed), ensure_ascii=False))


if __name__ == "__main__":
    main()
