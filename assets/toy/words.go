package toy

// The vocabulary. Within a list all words differ, no noun or its plural is an adjective,
// preposition or verb form, and intransitive and transitive verbs share no form: the text
// tells every choice. Earlier words are likelier where a Zipf distribution draws.

var names = [26]string{
	"Ada", "Ben", "Cleo", "Dev", "Ema", "Finn", "Gus", "Hana", "Ivo", "Juno", "Kai", "Lena",
	"Milo", "Nia", "Otis", "Pia", "Quin", "Rosa", "Sven", "Tara", "Uma", "Vik", "Wren", "Xeno",
	"Yara", "Zed",
}

var nouns = [30]string{
	"fox", "lamp", "river", "stone", "garden", "boat", "mirror", "wheel", "cloud", "apple",
	"tower", "candle", "road", "letter", "bridge", "mountain", "clock", "basket", "feather",
	"window", "drum", "ladder", "pocket", "shadow", "kettle", "lantern", "orchard", "compass",
	"thread", "barrel",
}

var adjectives = [16]string{
	"red", "old", "quiet", "bright", "heavy", "small", "green", "broken", "warm", "distant",
	"hollow", "narrow", "silver", "gentle", "rapid", "bitter",
}

// Verbs are pairs of the singular and the plural form.
var intransitive = [8][2]string{
	{"sleeps", "sleep"}, {"shines", "shine"}, {"falls", "fall"}, {"waits", "wait"},
	{"turns", "turn"}, {"sings", "sing"}, {"breaks", "break"}, {"returns", "return"},
}

var transitive = [8][2]string{
	{"sees", "see"}, {"carries", "carry"}, {"follows", "follow"}, {"paints", "paint"},
	{"finds", "find"}, {"guards", "guard"}, {"copies", "copy"}, {"keeps", "keep"},
}

var prepositions = [6]string{"near", "under", "behind", "beyond", "beside", "above"}

var colours = [8]string{"amber", "azure", "crimson", "ivory", "jade", "ochre", "umber", "violet"}

const (
	openers = "([{<"
	closers = ")]}>"
)
