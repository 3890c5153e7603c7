import Editing
import Masking
import Testing

/// Which colours a prompt asks for.
@Suite struct ColorWordTests {
    @Test(arguments: [
        ("blue flowers", ["blue"]), ("flores azules", ["azules"]), ("des fleurs bleues", ["bleues"]),
        ("a red car", ["red"]), ("une robe verte", ["verte"]), ("pelo negro", ["negro"]), ("Cheveux Noirs", ["noirs"]),
        ("an orange", []), ("an orange car", ["orange"]), ("a white rose", ["white"]), ("una rosa blanca", ["blanca"]),
        ("a rose", []), ("une robe rose", ["rose"]), ("red and white stripes", ["red", "white"]),
        ("red, white and blue", ["red", "white", "blue"]), ("blue flowers on a green meadow", ["blue"]),
        ("turn the red car blue", ["blue"]), ("cambia el coche rojo a azul", ["azul"]), ("(blue:1.2) sky", ["blue"]),
        ("a dark blue coat", ["dark blue"]), ("un manteau bleu foncé", ["bleu fonce"]),
        ("light green", ["light green"]),
        ("the golden hour", ["golden"]), ("rødt", []), ("a redwood", []), ("", []), ("a sunset", []),
        // What is denied is no wish.
        ("no blue flowers", []), ("not blue", []), ("without any blue", []), ("never a dark blue coat", []),
        ("flowers, no red or white ones", []), ("neither red nor blue", []), ("it isn't blue", []),
        ("don't paint it red", []), ("sin flores azules", []), ("sans fleurs bleues", []), ("pas de bleu", []),
        ("ni rojo ni azul", []), ("kein blue", []), ("keine red flowers", []),
        ("not red but blue", ["blue"]), ("a red car, not blue", ["red"]), ("no people, blue sky", ["blue"]),
        ("no people and a blue sky", ["blue"]), ("no people. Blue sky", ["blue"]), ("not red. Blue", ["blue"]),
        ("sin gente, cielo azul", ["azul"]), ("no flowers blue sky", ["blue"]),
        ("turn the red car green instead of blue", ["green"]), ("nothing but blue", ["blue"]),
        ("a knot, blue", ["blue"]), ("a casino red", ["red"]), ("the kinetic red", ["red"]),
    ])
    func `Names are found, and nothing else`(prompt: String, names: [String]) {
        #expect(ColorWord.found(in: prompt).map(\.name) == names)
    }

    @Test func `Colour at large is asked for, or denied`() {
        for prompt in ["colourful", "make it blue", "in color", "a rainbow", "not grey but red"] {
            #expect(ColorWord.areAskedFor(in: prompt), "\(prompt)")
        }
        for prompt in ["no colour", "without colors", "sin color", "not red", "grey", "a fox", "sans couleur"] {
            #expect(!ColorWord.areAskedFor(in: prompt), "\(prompt)")
        }
    }

    @Test func `One colour has one shade in three languages`() {
        for words in [
            ["red", "rojo", "rouges"], ["blue", "azules", "bleu"], ["white", "blanca", "blanches"],
            ["brown", "marrón", "marron"], ["pink car", "coche rosa", "voiture rose"],
        ] {
            let shades = words.map { ColorWord.found(in: $0).first?.shade }
            #expect(shades.allSatisfy { $0 != nil && $0 == shades[0] }, "\(words)")
        }
    }

    @Test func `Dark is darker and light is lighter`() throws {
        for name in ["red", "yellow", "green", "blue", "purple", "brown", "grey", "black", "white", "teal"] {
            let plain = try #require(ColorWord.found(in: name).first).shade
            let dark = try #require(ColorWord.found(in: "dark \(name)").first).shade
            let light = try #require(ColorWord.found(in: "light \(name)").first).shade
            #expect(
                dark.lightness < plain.lightness && dark.lightnessRange.upperBound < plain.lightnessRange.upperBound)
            #expect(light.lightness >= plain.lightness - 0.06, "\(name)")
            #expect(light.lightnessRange.lowerBound > plain.lightnessRange.lowerBound - 0.06)
        }
    }
}
