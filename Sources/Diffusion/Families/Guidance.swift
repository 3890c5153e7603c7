/// What the denoiser of a run is told, and how its predictions are followed.
struct Guidance<Family: ModelFamily> {
    let rule: GuidanceRule
    /// In every branch of a guided step, and in the prompt's alone.
    let guided: Family.Conditioning
    let unguided: Family.Conditioning

    /// - Throws: as `ModelFamily.prepare`.
    init(_ family: Family, _ request: DenoiseRequest) throws {
        rule = family.guidanceRule(for: request)
        guided = try family.prepare(rule.branches, for: request)
        unguided = rule.isPartial ? try family.prepare(GuidanceRule.none.branches, for: request) : guided
    }
}
