/** One true statement about raccoons, and where a reader can check it. */
export type Fact = { fact: string; source: string };

/** What version 0 of the Raccoon Facts API knows: sober natural history. */
export const factsV0: readonly Fact[] = [
  {
    fact: 'The English word “raccoon” comes from a Powhatan word that Captain John Smith wrote down as “aroughcun”.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'The Spanish name “mapache” comes from Nahuatl “mapachitli”: the one who takes everything in its hands.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'The scientific name Procyon lotor means roughly “before-dog washer”.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'German, Italian and Japanese all call the raccoon a “wash bear”: Waschbär, orsetto lavatore, araiguma.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'The common raccoon is the largest member of the procyonid family, with a body 40 to 70 cm long.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'Almost two thirds of the sensory part of a raccoon’s cerebral cortex is devoted to touch, more than in any other animal studied.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'Raccoons have whiskers just above the claws of their paws, and can tell what a thing is before they touch it.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'Water softens the horny layer on a raccoon’s front paws, which makes them more sensitive.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'Raccoons have no opposable thumb; their nimble hands make do with five free, unwebbed fingers.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'Raccoons tell colours apart poorly at best, but their eyes are well adapted to sense green light.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'A raccoon’s diet is about 40 % invertebrates, 33 % plants and 27 % vertebrates.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'A raccoon can climb down a tree head first, by turning its hind feet until they point backwards.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'Raccoons can remember the solution of a task for at least three years.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'Raccoons have lived past 20 years in captivity, but in the wild they average only about two or three.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'Home ranges run from 3 hectares for females in cities to some 5,000 hectares for males on the prairie.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'Raccoons do not hibernate. In the south of their range they are active all year round.',
    source: 'Michigan State University, Comparative Mammalian Brain Collections, “Raccoon”',
  },
  {
    fact: 'Raccoons are carried for about 63 days, and a litter is one to seven kits.',
    source: 'Michigan State University, Comparative Mammalian Brain Collections, “Raccoon”',
  },
  {
    fact: 'Raccoon kits open their eyes when they are about three weeks old.',
    source: 'Michigan State University, Comparative Mammalian Brain Collections, “Raccoon”',
  },
  {
    fact: 'A raccoon moves house often: most dens are used for only a day or two at a time.',
    source: 'Michigan State University, Comparative Mammalian Brain Collections, “Raccoon”',
  },
  {
    fact: 'Raccoons are native from southern Canada all the way to Panama.',
    source: 'Michigan State University, Comparative Mammalian Brain Collections, “Raccoon”',
  },
  {
    fact: 'In Rock Creek Park, Washington, D.C., biologists estimated 125 raccoons in each square kilometre.',
    source: 'Riley, Hadidian and Manski, Canadian Journal of Zoology 76 (1998)',
  },
  {
    fact: 'Male raccoons in southern Texas live in social groups, and the members are not only close relatives.',
    source: 'Gehrt, Gergits and Fritzell, Journal of Mammalogy 89 (2008)',
  },
  {
    fact: 'Collars that notice each other showed that female raccoons keep company almost only with the males of a single group.',
    source: 'Prange, Gehrt and Hauver, Journal of Mammalogy 92 (2011)',
  },
  {
    fact: 'A raccoon has about 438 million neurons in its cerebral cortex; a cat, whose cortex weighs the same, about 250 million.',
    source: 'Jardim-Messeder et al., Frontiers in Neuroanatomy 11 (2017)',
  },
  {
    fact: 'Of the wild raccoons tested in Laramie, Wyoming, the most docile ones were the best learners.',
    source: 'Stanton et al., Journal of Experimental Biology 225 (2022)',
  },
  {
    fact: 'Raccoons return to shared latrines: a survey of three Californian communities collected samples from 215 of them.',
    source: 'Roussere et al., Emerging Infectious Diseases 9 (2003)',
  },
  {
    fact: 'The raccoon’s famous “washing” is better called dousing, a study of ten captive raccoons proposed in 1963.',
    source: 'Lyall-Watson, Proceedings of the Zoological Society of London 141 (1963)',
  },
  {
    fact: 'In delayed-choice experiments raccoons, unlike rats and dogs, did not need to keep pointing their body at the right answer.',
    source: 'Hunter, “The Delayed Reaction in Animals and Children”, Behavior Monographs 2 (1913)',
  },
  {
    fact: 'Mammal Species of the World counts three species of raccoon: the common, the crab-eating and the Cozumel raccoon.',
    source: 'Wilson and Reeder (eds.), Mammal Species of the World, 3rd edition (2005)',
  },
  {
    fact: 'The Cozumel raccoon lives on one Mexican island, eats mostly crabs, and weighs some 45 % less than its mainland cousin.',
    source: '“Procyon pygmaeus”, Mammalian Species 43 (2011)',
  },
  {
    fact: 'Coatis, kinkajous, olingos, ringtails and cacomistles all belong to the raccoon’s family.',
    source: 'Wikipedia, “Procyonidae”',
  },
  {
    fact: 'The smallest member of the raccoon family, the olinguito, was recognised as a species of its own only in 2013.',
    source: 'Helgen et al., ZooKeys 324 (2013)',
  },
  {
    fact: 'The raccoon dog is not a raccoon: it is a member of the dog family.',
    source: 'Wikipedia, “Common raccoon dog”',
  },
  {
    fact: 'Raccoons settled in Germany after two pairs were let go at the Edersee reservoir in 1934.',
    source: 'Wikipedia, “Raccoon”',
  },
  {
    fact: 'The raccoon has been on the European Union’s list of invasive species since the first list of 2016.',
    source: 'Commission Implementing Regulation (EU) 2016/1141',
  },
  {
    fact: 'The raccoon has been the official wild animal of Tennessee since 1971.',
    source: 'Tennessee House Joint Resolution 156 (1971)',
  },
];
