// What `azd provision` makes: a Foundry account and project, a container registry, Application
// Insights, and a model deployment where one is used, with no key anywhere and no role wider than
// needed.
targetScope = 'subscription'

@description('Name of the azd environment; the names of resources follow from it.')
@minLength(1)
@maxLength(40)
param environmentName string

// The regions that have both hosted agents and Voice Live with agents.
@description('Region of all resources.')
@allowed([
  'australiaeast'
  'brazilsouth'
  'canadaeast'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'swedencentral'
  'switzerlandnorth'
  'uksouth'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Name of the resource group.')
@minLength(1)
@maxLength(90)
param resourceGroupName string = 'rg-${environmentName}'

@description('Name of the Foundry project.')
@minLength(3)
@maxLength(32)
param projectName string = 'voicelive-agent'

@description('Name of the hosted agent, as in azure.yaml.')
param agentName string = 'voicelive-agent'

@description('Who answers: package.module:attribute, or model.')
param agent string = 'app.agent:reply'

@description('Which packages the image holds, a file of requirements/: agent or model.')
param requirements string = 'agent'

@description('Whether a model is deployed: auto is for VOICELIVE_AGENT=model alone.')
@allowed([
  'auto'
  'true'
  'false'
])
param deployModel string = 'auto'

@description('Name of the model deployment that the agent uses.')
param modelDeploymentName string = 'gpt-5.4-mini'

@description('The model behind it.')
param modelName string = 'gpt-5.4-mini'

@description('Its version.')
param modelVersion string = '2026-03-17'

@description('How it is billed and where it may run.')
param modelSkuName string = 'GlobalStandard'

@description('Its quota, in thousands of tokens per minute.')
@minValue(1)
param modelCapacity int = 10

@description('How long logs and traces are kept, in days.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Object id of who runs azd, to be given the roles to deploy and to talk; empty for none.')
param principalId string = ''

@description('What that is.')
@allowed([
  'User'
  'ServicePrincipal'
  'Group'
])
param principalType string = 'User'

var tags = {
  'azd-env-name': environmentName
}
// An agent that says its lines without a model must not fail for a model's quota.
var withModel = deployModel == 'true' || (deployModel == 'auto' && agent == 'model')
var token = toLower(uniqueString(subscription().id, environmentName, location))

resource resourceGroup 'Microsoft.Resources/resourceGroups@2021-04-01' = {
  name: resourceGroupName
  location: location
  tags: tags
}

module foundry 'modules/foundry.bicep' = {
  name: 'foundry'
  scope: resourceGroup
  params: {
    location: location
    tags: tags
    accountName: 'ai-${token}'
    projectName: projectName
    withModel: withModel
    modelDeploymentName: modelDeploymentName
    modelName: modelName
    modelVersion: modelVersion
    modelSkuName: modelSkuName
    modelCapacity: modelCapacity
  }
}

module registry 'modules/registry.bicep' = {
  name: 'registry'
  scope: resourceGroup
  params: {
    location: location
    tags: tags
    registryName: 'cr${token}'
    accountName: foundry.outputs.accountName
    projectName: foundry.outputs.projectName
    projectPrincipalId: foundry.outputs.projectPrincipalId
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: resourceGroup
  params: {
    location: location
    tags: tags
    token: token
    retentionDays: logRetentionDays
    accountName: foundry.outputs.accountName
    projectName: foundry.outputs.projectName
  }
  // Both make a connection, and a project takes one change at a time.
  dependsOn: [
    registry
  ]
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: resourceGroup
  params: {
    projectPrincipalId: foundry.outputs.projectPrincipalId
    developerPrincipalId: principalId
    developerPrincipalType: principalType
  }
}

// What azd's agent extension reads.
output AZURE_RESOURCE_GROUP string = resourceGroup.name
output AZURE_AI_PROJECT_ID string = foundry.outputs.projectId
output AZURE_AI_ACCOUNT_NAME string = foundry.outputs.accountName
output AZURE_AI_PROJECT_NAME string = foundry.outputs.projectName
output AZURE_OPENAI_ENDPOINT string = foundry.outputs.openAiEndpoint
output FOUNDRY_PROJECT_ENDPOINT string = foundry.outputs.projectEndpoint
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.loginServer
output AZURE_CONTAINER_REGISTRY_RESOURCE_ID string = registry.outputs.registryId
output AZURE_AI_PROJECT_ACR_CONNECTION_NAME string = registry.outputs.connectionName
// What azure.yaml reads.
output VOICELIVE_AGENT string = agent
output REQUIREMENTS string = requirements
output AZURE_AI_MODEL_DEPLOYMENT_NAME string = modelDeploymentName
// What the client reads.
output VOICELIVE_ENDPOINT string = foundry.outputs.endpoint
output VOICELIVE_AGENT_NAME string = agentName
output VOICELIVE_PROJECT_NAME string = foundry.outputs.projectName
