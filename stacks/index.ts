export { EmbeddedRegion, embeddedRegionStackId, type EmbeddedRegionProps } from "./embedded-region";
export { RegionJobs, regionJobsStackId, type RegionJobsProps } from "./region-jobs";
export { addRunStacks, type DeployPlace } from "./run-stacks";
