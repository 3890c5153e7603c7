/// Steps from noise to picture.
public enum Sampler {
    /// The samplers of this engine, by the names that the command line and JSON use.
    public enum Kind: String, Sendable, CaseIterable {
        case ddim
        case pndm
        case euler
        case eulerAncestral = "euler-ancestral"
        case heun
        case dpmpp2M = "dpmpp-2m"
        case dpmpp2MSDE = "dpmpp-2m-sde"
        case unipc
        case lcm
    }
}
