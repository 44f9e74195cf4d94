import type { Fact } from './facts-v0.ts';

/** What version 1 of the Raccoon Facts API knows: wackier, and just as true. */
export const factsV1: readonly Fact[] = [
  {
    fact: 'Carl Linnaeus had a pet raccoon named Sjupp. It was a gift from a crown prince who is remembered for eating himself to death.',
    source: 'Nicholls, “The royal raccoon from Swedesboro”, Nature 446 (2007)',
  },
  {
    fact: 'Sjupp, the raccoon of Linnaeus, stole food from the pockets of his students.',
    source: 'Wikipedia, “Sjupp”',
  },
  {
    fact: 'Sjupp once fell out with Linnaeus’ gardener, and screamed every time he smelled the man.',
    source: 'Wikipedia, “Sjupp”',
  },
  {
    fact: 'The great classifier Linnaeus filed the raccoon as a bear: Ursus lotor.',
    source: 'Linnaeus, Systema Naturae, 10th edition (1758); Wikipedia, “Raccoon”',
  },
  {
    fact: 'A raccoon was sent to the White House for Thanksgiving dinner in 1926. The Coolidges named her Rebecca and kept her.',
    source: 'Wikipedia, “Rebecca (raccoon)”',
  },
  {
    fact: 'The White House raccoon liked nothing better than a bathtub, a little water and a cake of soap.',
    source: 'Grace Coolidge, quoted in Wikipedia, “Rebecca (raccoon)”',
  },
  {
    fact: 'A raccoon trained to bank coins would not let go of them, and rubbed them together “in a most miserly fashion”.',
    source: 'Breland and Breland, “The Misbehavior of Organisms”, American Psychologist 16 (1961)',
  },
  {
    fact: 'A raccoon fell through the ceiling of a liquor store in Ashland, Virginia, helped itself, and passed out next to the toilet.',
    source: 'WTVR, Richmond, 3 December 2025',
  },
  {
    fact: 'The raccoon of the Ashland liquor store is suspected of earlier visits to a martial arts studio and a motor vehicles office in the same building.',
    source: 'New Zealand Herald, December 2025',
  },
  {
    fact: 'A raccoon climbed a 25-storey office tower in St. Paul, Minnesota, and became a trending topic on the way up.',
    source: 'The New York Times, 13 June 2018',
  },
  {
    fact: 'A raccoon climbed some 700 feet up a Toronto construction crane, met the operator, relieved itself, and climbed down again.',
    source: 'CityNews Toronto, 16 April 2015',
  },
  {
    fact: 'Toronto signed a 31-million-dollar contract for raccoon-resistant bins. A raccoon was then filmed opening one.',
    source: 'Toronto Star, 29 August 2018',
  },
  {
    fact: '“Defeat is not an option,” said the mayor of Toronto. He was talking about raccoons and compost.',
    source: 'Toronto Star, 9 April 2015',
  },
  {
    fact: 'A dead raccoon waited 14 hours on a Toronto pavement. Passers-by named him Conrad and held a vigil with candles.',
    source: 'CBC News, July 2015',
  },
  {
    fact: 'Ten years after Conrad the raccoon died on a Toronto street corner, the city’s heritage agency put up a plaque for him.',
    source: 'Toronto Star, July 2025',
  },
  {
    fact: 'The longest stay of a raccoon on the pitch in Major League Soccer is, unofficially, 161 seconds. It took rubbish bins to end it.',
    source: 'PhillyVoice, 16 May 2024',
  },
  {
    fact: 'A raccoon fell from the ceiling at a LaGuardia Airport gate, dangling from a cable first. It did not board.',
    source: 'The Guardian, November 2024',
  },
  {
    fact: 'Two young raccoons broke into a bank in Redwood City, California. They wore masks, and took no money.',
    source: 'San Mateo Daily Journal, 20 October 2020',
  },
  {
    fact: 'A raccoon got stuck in a vending machine at a Florida high school. Officers wheeled the machine outside to let it go.',
    source: 'Hindustan Times, 16 August 2019, after the Volusia County Sheriff’s Office',
  },
  {
    fact: 'One hungry raccoon in a substation cut the power of 3,218 customers in Kissimmee, Florida, for half an hour.',
    source: 'Orlando Sentinel, 30 December 2018',
  },
  {
    fact: 'A woman in Washington State who fed raccoons for decades had to call 911: up to a hundred had come, and demanded dinner.',
    source: 'The Associated Press, 9 October 2024',
  },
  {
    fact: 'Seconds before he went on air at the White House, a CNN correspondent had to fight off a raccoon. It was the second time.',
    source: 'The Hill, October 2020',
  },
  {
    fact: 'Rocky Raccoon was first called Rocky Sassoon. McCartney thought that Raccoon sounded more like a cowboy.',
    source: 'Wikipedia, “Rocky Raccoon”',
  },
  {
    fact: 'The tail that lets Mario fly is a mix: modelled on the Japanese raccoon dog, with the rings of an American raccoon.',
    source: 'Wikipedia, “Super Leaf”',
  },
  {
    fact: 'A 1977 cartoon about a raccoon made Japanese families import pet raccoons. They outgrew the idea, and now run wild there.',
    source: 'Atlas Obscura, “Rascal: The Raccoon That Ate Japan”',
  },
  {
    fact: 'In 1945 an air raid opened a fur farm near Berlin. Twenty-five raccoons left, and founded the east German population.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'Raccoons live in northern France because American airmen let some go near their base at Laon in 1966.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'The lost State of Franklin is said to have paid its treasurer 450 raccoon skins a year, in a law that Daniel Webster quoted in 1838.',
    source: 'Jasper County Democrat, Rensselaer, Indiana, 21 July 1915',
  },
  {
    fact: 'Raccoon coats were such a craze among students of the 1920s that there was a dance tune about it: “Doin’ the Raccoon”.',
    source: 'Wikipedia, “Raccoon coat”',
  },
  {
    fact: 'Raccoons had a giant relative, Chapalmalania, the size of a black bear. Its bones were first taken for a bear’s.',
    source: 'Wikipedia, “Chapalmalania”',
  },
  {
    fact: 'Asked to raise the water in a tube with stones, as in Aesop’s fable, one raccoon climbed the tube and tipped the whole thing over.',
    source: 'Stanton et al., Animal Cognition 20 (2017); Quartz, October 2017',
  },
  {
    fact: 'Raccoons went on opening the locks of a puzzle box after they had eaten the only marshmallow in it.',
    source: 'Griebling, Johnson and Benson-Amram, Animal Behaviour (2026)',
  },
  {
    fact: 'Psychology’s favourite animal could have been the raccoon. Its champions were accused of sentimentality, and the rat won.',
    source: 'Pettit, British Journal for the History of Science 43 (2010)',
  },
  {
    fact: 'Raccoons opened 11 of 13 complex locks in fewer than ten tries. Turning the locks upside down did not stop them.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'The US government drops fish-flavoured vaccines from aeroplanes for raccoons to eat.',
    source: 'The Associated Press, 26 August 2022',
  },
  {
    fact: 'City raccoons have snouts about 3.6 % shorter than country ones, which the authors read as an early sign of domestication.',
    source:
      '“Tracking domestication signals across populations of North American raccoons”, Frontiers in Zoology (2025)',
  },
  {
    fact: 'Guadeloupe’s national park took its own raccoon as emblem. It turned out that people had brought it over from the mainland.',
    source: 'Wikipedia, “Guadeloupe raccoon”',
  },
  {
    fact: 'A raccoon can hear earthworms moving underground.',
    source: 'Wikipedia, “Raccoon”',
  },
];
